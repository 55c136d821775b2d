//! What a Helios FHIR server holds, past the product: written to it, and read from it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// Writes every record under its own id.
pub async fn load(base: &str, records: &BTreeMap<String, Vec<u8>>) {
    let client = reqwest::Client::new();
    let records: Vec<(&String, &Vec<u8>)> = records.iter().collect();
    for some in records.chunks(400) {
        let entries: Vec<Value> = some
            .iter()
            .map(|(name, line)| {
                let resource: Value = serde_json::from_slice(line).expect("JSON");
                json!({"resource": resource, "request": {"method": "PUT", "url": name}})
            })
            .collect();
        let bundle = json!({"resourceType": "Bundle", "type": "transaction", "entry": entries});
        let request = client.post(base).header("Content-Type", "application/fhir+json");
        let answer = request.body(bundle.to_string()).send().await.expect("an answer");
        assert!(answer.status().is_success(), "{}", answer.status());
        let answer: Value = serde_json::from_str(&answer.text().await.expect("a body")).expect("JSON");
        let answers = answer["entry"].as_array().expect("entries");
        assert_eq!(answers.len(), some.len());
        for (entry, (name, _)) in answers.iter().zip(some) {
            let status = entry["response"]["status"].as_str().unwrap_or_default();
            assert!(status.starts_with("20"), "{name}: {status}");
        }
    }
}

/// Everything that a server has of these types, by `Type/id`, read page by page (R4 http, section "paging").
pub async fn content(base: &str, types: &[String]) -> BTreeMap<String, Value> {
    let client = reqwest::Client::new();
    let mut found = BTreeMap::new();
    for name in types {
        let mut next = Some(format!("{base}/{name}?_count=500"));
        while let Some(url) = next {
            let answer = client.get(&url).send().await.expect("an answer");
            assert!(answer.status().is_success(), "{url}: {}", answer.status());
            let page: Value = serde_json::from_str(&answer.text().await.expect("a body")).expect("JSON");
            for entry in page["entry"].as_array().into_iter().flatten() {
                let record = entry["resource"].clone();
                let place = format!("{name}/{}", record["id"].as_str().expect("an id"));
                assert!(found.insert(place.clone(), record).is_none(), "{place} is there twice");
            }
            let mut links = page["link"].as_array().into_iter().flatten();
            let link = links.find(|link| link["relation"] == "next");
            next = link.and_then(|link| link["url"].as_str()).map(ToOwned::to_owned);
        }
    }
    found
}
