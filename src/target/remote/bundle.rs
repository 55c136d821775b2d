//! Many interactions in one request: a `Bundle` of type `batch` or `transaction` (R4 http, section "batch/transaction").

use super::request::Request;
use crate::fhir::push_with_id;
use crate::migration::Bundling;

/// A batch, records as they are to the byte but for their ids.
pub fn batch(requests: &[Request<'_>]) -> Vec<u8> {
    bundle(Bundling::Batch, requests)
}

/// The bundle, records as they are to the byte but for their ids.
pub fn bundle(bundling: Bundling, requests: &[Request<'_>]) -> Vec<u8> {
    let records: usize = requests
        .iter()
        .filter_map(|request| request.resource)
        .map(<[u8]>::len)
        .sum();
    let mut out = Vec::with_capacity(records + requests.len() * 224 + 64);
    out.extend_from_slice(br#"{"resourceType":"Bundle","type":""#);
    out.extend_from_slice(bundling.bundle_type().as_bytes());
    out.extend_from_slice(br#"","entry":["#);
    for (at, request) in requests.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        out.push(b'{');
        if let Some(resource) = request.resource {
            out.extend_from_slice(br#""resource":"#);
            match request.id {
                Some(id) => push_with_id(&mut out, resource, id),
                None => out.extend_from_slice(resource),
            }
            out.push(b',');
        }
        let mut how = serde_json::json!({"method": request.method.name(), "url": request.url});
        if let Some(if_match) = &request.if_match {
            how["ifMatch"] = if_match.as_str().into();
        }
        if let Some(query) = &request.if_none_exist {
            how["ifNoneExist"] = query.as_str().into();
        }
        if request.if_none_match {
            how["ifNoneMatch"] = "*".into();
        }
        out.extend_from_slice(br#""request":"#);
        out.extend_from_slice(how.to_string().as_bytes());
        out.push(b'}');
    }
    out.extend_from_slice(b"]}");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_request_is_an_entry_and_every_record_stays_as_it_is() {
        let record = br#"{"resourceType":"Basic","n":1.10}"#.as_slice();
        let text = batch(&[
            Request::put("Basic", "a", Some("3"), record),
            Request::post("Basic", "identifier=urn:s%7C1".to_owned(), record),
            Request::read("Basic", "a"),
            Request::delete("Basic", "a"),
        ]);
        insta::assert_snapshot!(String::from_utf8(text).expect("UTF-8"), @r#"{"resourceType":"Bundle","type":"batch","entry":[{"resource":{"id":"a","resourceType":"Basic","n":1.10},"request":{"method":"PUT","url":"Basic/a","ifMatch":"W/\"3\""}},{"resource":{"resourceType":"Basic","n":1.10},"request":{"method":"POST","url":"Basic","ifNoneExist":"identifier=urn:s%7C1"}},{"request":{"method":"GET","url":"Basic/a"}},{"request":{"method":"DELETE","url":"Basic/a"}}]}"#);
    }
}
