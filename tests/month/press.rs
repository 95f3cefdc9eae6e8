//! The twelve outlets together, and the server that has their feeds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use courant::domain::UnixMillis;

use crate::outlet::{Due, Form, Guid, Habit, Outlet, WINDOW};
use crate::support::newsroom::HOUR;

#[derive(Default)]
struct World {
    outlets: Vec<Outlet>,
    /// Articles so far, and how many of them were there before the story began.
    number: usize,
    baseline: usize,
    waiting: Vec<Due>,
    answers: BTreeMap<u16, usize>,
}

pub struct Press {
    port: u16,
    world: Arc<Mutex<World>>,
    server: tokio::task::JoinHandle<()>,
}

impl Press {
    /// Twelve outlets that have published for a while.
    pub async fn start(now: UnixMillis) -> Self {
        let listener = tokio::net::TcpListener::bind("0.0.0.0:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut world = World {
            outlets: outlets(),
            ..World::default()
        };
        for outlet in &mut world.outlets {
            for hours in (1..=WINDOW as i64).rev() {
                outlet.publishes(now.plus_ms(-hours * 5 * HOUR), &mut world.number);
            }
            // Nothing of what was there before waits for a date.
            outlet.pieces.iter_mut().for_each(|p| p.date = p.appeared);
        }
        world.baseline = world.number;
        let world = Arc::new(Mutex::new(world));
        let router = Router::new()
            .route("/{outlet}/feed/", get(old_address))
            .route("/{outlet}/rss.xml", get(feed))
            .with_state(world.clone());
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            port,
            world,
            server,
        }
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    /// Names and addresses of the feeds, each on a host of its own.
    pub fn feeds(&self) -> Vec<(String, String)> {
        let world = self.world();
        let names = world.outlets.iter().map(|outlet| outlet.name.clone());
        let address = |(host, name): (u8, &String)| {
            format!("http://127.0.0.{host}:{}/{name}/feed/", self.port)
        };
        (1..)
            .zip(names)
            .map(|(host, name)| (name.clone(), address((host, &name))))
            .collect()
    }

    /// An hour passes.
    pub fn goes_on(&self, now: UnixMillis) {
        let world = &mut *self.world();
        for outlet in &mut world.outlets {
            let due = outlet.goes_on(now, &mut world.number);
            world.waiting.extend(due);
        }
    }

    /// The articles whose date had not come an hour ago.
    pub fn embargoed(&self, now: UnixMillis) -> Vec<Due> {
        let mut world = self.world();
        world
            .waiting
            .retain(|due| due.not_before > now.plus_ms(-HOUR));
        let due = world.waiting.iter();
        due.map(|due| Due {
            token: due.token.clone(),
            not_before: due.not_before,
        })
        .collect()
    }

    /// Every article that is news in this story.
    pub fn articles(&self) -> BTreeSet<String> {
        let world = self.world();
        let numbers = world.baseline + 1..=world.number;
        numbers.map(|number| format!("A{number:04}")).collect()
    }

    /// How often the server gave which answer.
    pub fn record(&self) -> String {
        format!("answers {:?}", self.world().answers)
    }
}

impl Drop for Press {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn outlets() -> Vec<Outlet> {
    use Habit::{
        BackDates, BreaksDown, ChangesGuids, ChangesSystem, Edits, Embargoes, GoesHttps, IsCut,
        IsStale, Renames, Tracks,
    };
    let all: [(Form, Guid, &[Habit]); 12] = [
        (Form::Rss, Guid::Number, &[Edits]),
        (Form::Atom, Guid::Address, &[Edits, BackDates]),
        (Form::Rss, Guid::None, &[Tracks]),
        (Form::Rss, Guid::Address, &[GoesHttps { day: 9 }, Edits]),
        (Form::Rss, Guid::Number, &[ChangesGuids { day: 11 }]),
        (Form::Rss, Guid::Number, &[ChangesSystem { day: 14 }]),
        (Form::Rss, Guid::Address, &[Renames]),
        (Form::Rss, Guid::Number, &[BackDates, IsStale]),
        (Form::Atom, Guid::Number, &[BreaksDown { day: 17 }]),
        (Form::Rss, Guid::Number, &[Embargoes]),
        (Form::Rss, Guid::Address, &[IsCut, Edits]),
        (Form::Json, Guid::Same, &[Tracks, GoesHttps { day: 20 }]),
    ];
    let places = 1..;
    let outlets = places.zip(all);
    outlets
        .map(|(place, (form, guid, habits))| Outlet::new(place, form, guid, habits))
        .collect()
}

type Shared = State<Arc<Mutex<World>>>;

async fn old_address(state: Shared, name: Path<String>, headers: HeaderMap) -> Response {
    let has_moved = {
        let world = state.lock().unwrap();
        let mut outlets = world.outlets.iter();
        outlets.any(|outlet| outlet.name == *name && outlet.has_new_system)
    };
    match has_moved {
        true => {
            let to = Redirect::permanent(&format!("/{}/rss.xml", *name));
            to.into_response()
        }
        false => feed(state, name, headers).await,
    }
}

async fn feed(State(world): Shared, Path(name): Path<String>, headers: HeaderMap) -> Response {
    let world = &mut *world.lock().unwrap();
    let outlet = world.outlets.iter_mut().find(|outlet| outlet.name == name);
    let outlet = outlet.expect("a feed of the story");
    let response = if outlet.is_down {
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    } else {
        let document = outlet.document();
        let etag = format!(
            "\"{:x}\"",
            document.bytes().fold(7u64, |h, b| {
                h.wrapping_mul(31).wrapping_add(u64::from(b))
            })
        );
        let asked = headers.get(header::IF_NONE_MATCH);
        if asked.is_some_and(|tag| tag.as_bytes() == etag.as_bytes()) {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            ([(header::ETAG, etag)], document).into_response()
        }
    };
    *world.answers.entry(response.status().as_u16()).or_default() += 1;
    response
}
