//! Read, vread, history and search.

use serde_json::{Map, Value, json};

use super::answer::{Answer, instant};
use super::request::{Query, Request, Target};
use super::search::Search;
use super::world::World;
use crate::sandbox::outcome::Refusal;

impl World {
    /// Answers a request that changes nothing.
    pub(super) fn look_up(&mut self, request: &Request) -> Result<Answer, Refusal> {
        match &request.target {
            Target::Type(kind) | Target::Search(kind) => self.searchset(kind, &request.query, request.fresh),
            Target::Record(kind, id) => self.read(kind, id, request.if_none_match.as_deref()),
            Target::History(kind, id) => self.history(kind, id),
            Target::Version(kind, id, version) => self.vread(kind, id, version),
        }
    }

    fn read(&self, kind: &str, id: &str, known: Option<&str>) -> Result<Answer, Refusal> {
        let version = self.records.latest(kind, id).ok_or_else(missing)?;
        if version.resource.is_none() {
            return Err(deleted());
        }
        let status = if known == Some(version.id.as_str()) { 304 } else { 200 };
        Ok(Answer::about(status, kind, id, version))
    }

    fn vread(&self, kind: &str, id: &str, version: &str) -> Result<Answer, Refusal> {
        let versions = self.records.versions(kind, id);
        let version = versions.iter().find(|held| held.id == version).ok_or_else(missing)?;
        if version.resource.is_none() {
            return Err(deleted());
        }
        Ok(Answer::about(200, kind, id, version))
    }

    fn history(&self, kind: &str, id: &str) -> Result<Answer, Refusal> {
        let versions = self.records.versions(kind, id);
        if versions.is_empty() {
            return Err(missing());
        }
        let full_url = format!("{}/{kind}/{id}", self.base_url);
        let mut there = false;
        let mut entries: Vec<Value> = Vec::new();
        for version in versions {
            let status = match (version.resource.is_some(), there) {
                (true, false) => "201",
                (true, true) => "200",
                (false, _) => "204",
            };
            there = version.resource.is_some();
            let url = if version.method == "POST" {
                kind.to_owned()
            } else {
                format!("{kind}/{id}")
            };
            let mut entry = json!({ "fullUrl": full_url });
            if let Some(resource) = &version.resource {
                entry["resource"] = Value::clone(resource);
            }
            entry["request"] = json!({ "method": version.method, "url": url });
            entry["response"] = json!({
                "status": status, "etag": format!("W/\"{}\"", version.id), "lastModified": instant(version.at),
            });
            entries.push(entry);
        }
        entries.reverse();
        Ok(Answer::plain(
            200,
            Some(json!({
                "resourceType": "Bundle", "type": "history", "total": entries.len(),
                "link": [{ "relation": "self", "url": format!("{full_url}/_history") }],
                "entry": entries,
            })),
        ))
    }

    fn searchset(&mut self, kind: &str, query: &Query, fresh: bool) -> Result<Answer, Refusal> {
        self.manners.check_searched(kind)?;
        let asked = Search::parse(kind, query)?;
        let ids = self.search(kind, &asked.criteria, fresh);
        let address = |cursor: Option<&str>| {
            let mut address = url::form_urlencoded::Serializer::new(String::new());
            let kept = query.iter().filter(|(name, _)| name != "_cursor");
            address.extend_pairs(kept);
            if let Some(cursor) = cursor {
                address.append_pair("_cursor", cursor);
            }
            format!("{}/{kind}?{}", self.base_url, address.finish())
        };
        let mut bundle = json!({
            "resourceType": "Bundle", "type": "searchset", "total": ids.len(),
            "link": [{ "relation": "self", "url": address(asked.after.as_deref()) }],
        });
        if asked.count_only {
            return Ok(Answer::plain(200, Some(bundle)));
        }
        let start = asked
            .after
            .as_ref()
            .map_or(0, |after| ids.partition_point(|id| id <= after));
        let rest = ids.get(start..).unwrap_or_default();
        let page = rest.get(..asked.count.min(rest.len())).unwrap_or_default();
        if page.len() < rest.len()
            && let (Some(last), Some(links)) = (page.last(), bundle["link"].as_array_mut())
        {
            links.push(json!({ "relation": "next", "url": address(Some(last)) }));
        }
        let entry = |id: &String| {
            let resource = self.records.current(kind, id)?;
            let resource = match &asked.elements {
                Some(elements) => subset(resource, elements),
                None => Value::clone(resource),
            };
            Some(json!({
                "fullUrl": format!("{}/{kind}/{id}", self.base_url), "resource": resource, "search": { "mode": "match" },
            }))
        };
        let entries: Vec<Value> = page.iter().filter_map(entry).collect();
        if !entries.is_empty() {
            bundle["entry"] = entries.into();
        }
        Ok(Answer::plain(200, Some(bundle)))
    }
}

/// The elements asked for, with what is always there, marked as a part (FHIR R4, `_elements`).
fn subset(resource: &Value, elements: &[String]) -> Value {
    let Some(members) = resource.as_object() else {
        return resource.clone();
    };
    let wanted = |name: &str| matches!(name, "resourceType" | "id" | "meta") || elements.iter().any(|one| one == name);
    let mut part: Map<String, Value> = members
        .iter()
        .filter(|(name, _)| wanted(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let mark = json!({ "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED" });
    if let Some(meta) = part.get_mut("meta").and_then(Value::as_object_mut)
        && let Some(tags) = meta.entry("tag").or_insert_with(|| json!([])).as_array_mut()
    {
        tags.push(mark);
    }
    part.into()
}

fn missing() -> Refusal {
    Refusal::new(404, "not-found", "There is no such record.")
}

fn deleted() -> Refusal {
    Refusal::new(410, "deleted", "The record is deleted.")
}
