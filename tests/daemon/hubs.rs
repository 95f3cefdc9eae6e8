//! A push becomes a mail, with polls an hour apart.

use std::time::Instant;

use super::{ALERTS, Scene, reader};
use crate::support::hub::{Hub, Manner};
use crate::support::newsroom::configuration;
use crate::support::process::{SOON, until};
use crate::support::site::Item;
use crate::support::smtp::Sink;

/// A port of this machine that nobody has just now.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

async fn a_push_is_mailed(scene: Scene) {
    let hub = Hub::start(Manner::Confirms).await;
    let port = free_port();
    let text = configuration(&scene.site.url, scene.sink.port(), &scene.database, ALERTS)
        .replace("every = \"1s\"", "every = \"1h\"")
        .replace(
            "listen = \"127.0.0.1:0\"\nbase",
            &format!("listen = \"127.0.0.1:{port}\"\nbase"),
        )
        .replace(
            "http://letters.example",
            &format!("http://127.0.0.1:{port}"),
        );
    scene.house.write("courant.toml", text);
    scene.readers(1);
    scene.site.offer_hubs(&[&hub.url]);
    scene.site.publish(Item::new(1));
    scene.house.courant(&["poll"]).done();
    let daemon = scene.house.start().await;
    until(
        "the hub has confirmed, and the first story is mailed",
        SOON,
        async || {
            let status = daemon.status().await;
            let push = status["sources"][0]["push"].as_str().unwrap_or_default();
            (push.starts_with("subscribed until") && scene.sink.received() == 1).then_some(())
        },
    )
    .await;
    let asked = hub.last();
    for (number, is_signed) in [(2, true), (3, false)] {
        scene.site.publish(Item::new(number));
        let began = Instant::now();
        let status = match is_signed {
            true => asked.push_signed(&scene.site.document()).await,
            false => asked.push("", None).await,
        };
        assert_eq!(status, 202);
        until("the story is mailed", SOON, async || {
            (scene.sink.received() == number).then_some(())
        })
        .await;
        eprintln!(
            "{}: signed {is_signed}: mailed {:?} after the push",
            scene.database,
            began.elapsed()
        );
    }
    assert_eq!(scene.sink.accepted()[2].to, [reader(0)]);
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_is_mailed_long_before_the_next_poll() {
    a_push_is_mailed(Scene::on_sqlite(Sink::plain().await, ALERTS).await).await;
    a_push_is_mailed(Scene::on_postgres(Sink::plain().await, ALERTS).await).await;
}
