//! The references inside of `schema_registry`: the services that subscriptions send to.

use std::collections::BTreeSet;

use crate::codec::Tree;
use crate::model::{FindingClass, Key, MetadataFinding};

/// Finds subscriptions that send to a service, or a handler, that no deployment has.
pub(super) fn find_stray_subscriptions(schema: &Tree<'_>) -> Vec<MetadataFinding> {
    let handlers = handlers_of(schema);
    let subscriptions = schema.elements("/subscriptions").iter().enumerate();
    let stray = subscriptions.filter_map(|(index, pair)| {
        let (service, handler) = sink_of(pair.element(1)?)?;
        (!handlers.contains(&(service, handler))).then(|| MetadataFinding {
            key: Key::Schema,
            class: FindingClass::SubscriptionStray,
            path: format!("/subscriptions/{index}/1/sink"),
            message: format!(
                "names {service}/{handler}, which no deployment has: its events reach nothing"
            ),
        })
    });
    stray.collect()
}

fn handlers_of<'a>(schema: &'a Tree<'_>) -> BTreeSet<(&'a str, &'a str)> {
    let services = schema.elements("/deployments_v2").iter().flat_map(|deployment| {
        deployment
            .elements("/services")
            .iter()
            .filter_map(|service| Some((service.get("name")?.as_str()?, service)))
    });
    services
        .flat_map(|(name, service)| {
            let handlers = service.elements("/handlers").iter();
            handlers.filter_map(move |handler| Some((name, handler.get("name")?.as_str()?)))
        })
        .collect()
}

/// The variants around the target of a sink: two as of 1.7.12.
const MOST_VARIANTS: usize = 4;

/// Returns service and handler of a sink; `None` in a form without them.
///
/// They are in an object below the names of some variants, by which the servers tell the kinds of services apart.
fn sink_of<'a>(subscription: &'a Tree<'_>) -> Option<(&'a str, &'a str)> {
    let mut target = subscription.get("sink")?;
    for _ in 0..MOST_VARIANTS {
        let text = |field: &str| target.get(field).and_then(Tree::as_str);
        if let (Some(service), Some(handler)) = (text("name"), text("handler")) {
            return Some((service, handler));
        }
        target = &target.fields().first()?.1;
    }
    None
}
