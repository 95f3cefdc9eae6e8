//! `reader` in a mail's template: the person it is for, or a place kept for them.
//!
//! A mail is rendered once for all readers of a variant where that is possible: wherever a
//! template prints `reader.name`, a mark is written, and each reader's own name is put there
//! later. A template that does anything else with the reader (tests, filters, compares) makes
//! a text that is not the same for all, and has to run once for each.
//!
//! Which of the two a template is, its run tells. An [`Unknown`] value notes down whatever is
//! done with it, and is printed as its mark only when it goes straight from `reader` to the
//! page, with the escaping of the page: not out of a variable, into a `{% set %}`, a macro or a
//! `{% filter %}`, where the mark could be taken for a name. When the run is over, a template
//! may be shared if nothing was noted and every value that was taken was printed.
//!
//! For a single reader `reader` holds real strings, so that every test and filter works, and
//! what goes straight to the page is a mark all the same: it is known by being the very string
//! that `reader` gave out. So both ways make the same text.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

use minijinja::value::{DynObject, Enumerator, Object, ObjectRepr};
use minijinja::{AutoEscape, Error, Output, State, Value};

/// What is written where a reader's own name and address go. Nothing else may contain them,
/// and no escaping may change them: letters, digits and hyphens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marks {
    /// For the name.
    pub name: Arc<str>,
    /// For the address.
    pub address: Arc<str>,
}

/// The person a mail is for, as templates see them.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[serde(transparent)]
pub struct Reader(Value);

impl Reader {
    /// One reader, printed as they are.
    #[must_use]
    pub fn new(name: &str, address: &str) -> Self {
        let part = |text: &str| Part::Known(text.into(), None);
        Self::of(part(name), part(address))
    }

    /// One reader, printed as the marks.
    #[must_use]
    pub fn marked(name: &str, address: &str, marks: &Marks) -> Self {
        let part = |text: &str, mark: &Arc<str>| Part::Known(text.into(), Some(mark.clone()));
        Self::of(part(name, &marks.name), part(address, &marks.address))
    }

    /// Any reader, printed as the marks; what else is done with them is noted.
    #[must_use]
    pub fn unknown(marks: &Marks) -> Self {
        let part = |mark: &Arc<str>| Part::Unknown(mark.clone());
        Self::of(part(&marks.name), part(&marks.address))
    }

    fn of(name: Part, address: Part) -> Self {
        let watch = Arc::default();
        Self(Value::from_object(Person {
            name,
            address,
            watch,
        }))
    }

    /// How many marks were printed since it was made. `None` when something else was done as
    /// well, so that the text is not every reader's.
    #[must_use]
    pub fn only_printed(&self) -> Option<usize> {
        let watch = watch(&self.0)?;
        let printed = watch.printed.load(Relaxed);
        let only = !watch.examined.load(Relaxed) && watch.taken.load(Relaxed) == printed;
        only.then_some(printed)
    }

    /// Whether a template asked for the name or the address at all.
    #[must_use]
    pub fn is_used(&self) -> bool {
        watch(&self.0).is_some_and(|watch| watch.taken.load(Relaxed) > 0)
    }
}

/// What became of the reader's values in the renderings they were given to.
#[derive(Debug, Default)]
pub(super) struct Watch {
    taken: AtomicUsize,
    printed: AtomicUsize,
    examined: AtomicBool,
    /// Pieces of text that came to the page.
    arrived: AtomicUsize,
    is_html: AtomicBool,
}

impl Watch {
    /// The watch over the reader of a rendering, made ready for a page.
    pub(super) fn over(context: &Value, is_html: bool) -> Option<Arc<Self>> {
        let watch = watch(&context.get_attr("reader").ok()?)?;
        watch.is_html.store(is_html, Relaxed);
        Some(watch)
    }

    /// A piece of text, an empty one too, came to the page.
    pub(super) fn arrived(&self) {
        self.arrived.fetch_add(1, Relaxed);
    }

    /// Whether what is written now comes to the page, and not into a variable.
    fn is_direct(&self, out: &mut Output<'_>) -> Result<bool, Error> {
        let before = self.arrived.load(Relaxed);
        out.write_str("")?;
        Ok(self.arrived.load(Relaxed) > before)
    }

    /// Whether a value is escaped here as it is everywhere on the page.
    fn is_escaped_alike(&self, state: &State<'_, '_>) -> bool {
        match state.auto_escape() {
            AutoEscape::Html => self.is_html.load(Relaxed),
            AutoEscape::None => !self.is_html.load(Relaxed),
            _ => false,
        }
    }

    fn note(&self) {
        self.examined.store(true, Relaxed);
    }
}

fn watch(reader: &Value) -> Option<Arc<Watch>> {
    let person = reader.downcast_object_ref::<Person>()?;
    Some(person.watch.clone())
}

/// Prints a value that is the reader's; `false` when it is another's.
pub(super) fn print(
    out: &mut Output<'_>,
    state: &State<'_, '_>,
    value: &Value,
) -> Result<bool, Error> {
    if let Some(unknown) = value.downcast_object::<Unknown>() {
        // Two hold it, the value and this function: no variable, list or argument does.
        let is_straight = Arc::strong_count(&unknown) == 2;
        let watch = &unknown.watch;
        if is_straight && watch.is_escaped_alike(state) && watch.is_direct(out)? {
            watch.printed.fetch_add(1, Relaxed);
        } else {
            watch.note();
        }
        out.write_str(&unknown.mark)?;
        return Ok(true);
    }
    let Some(text) = value.as_str().filter(|_| !value.is_safe()) else {
        return Ok(false);
    };
    let reader = state.lookup("reader");
    let person = reader
        .as_ref()
        .and_then(Value::downcast_object_ref::<Person>);
    let Some((person, mark)) = person.and_then(|p| Some((p, p.mark_of(text)?))) else {
        return Ok(false);
    };
    if !person.watch.is_escaped_alike(state) || !person.watch.is_direct(out)? {
        return Ok(false);
    }
    out.write_str(mark)?;
    Ok(true)
}

/// `reader` itself.
#[derive(Debug)]
struct Person {
    name: Part,
    address: Part,
    watch: Arc<Watch>,
}

/// The name or the address.
#[derive(Debug)]
enum Part {
    /// With the mark it is printed as.
    Known(Arc<str>, Option<Arc<str>>),
    Unknown(Arc<str>),
}

impl Person {
    /// The mark of this very string, wherever it came through.
    fn mark_of(&self, text: &str) -> Option<&str> {
        [&self.name, &self.address]
            .into_iter()
            .find_map(|part| match part {
                Part::Known(own, Some(mark)) if std::ptr::eq(own.as_ptr(), text.as_ptr()) => {
                    Some(&**mark)
                }
                _ => None,
            })
    }
}

impl Object for Person {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let part = match key.as_str()? {
            "name" => &self.name,
            "address" => &self.address,
            _ => return None,
        };
        self.watch.taken.fetch_add(1, Relaxed);
        Some(match part {
            Part::Known(text, _) => Value::from(text.clone()),
            Part::Unknown(mark) => Value::from_object(Unknown {
                mark: mark.clone(),
                watch: self.watch.clone(),
            }),
        })
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Str(&["name", "address"])
    }
}

/// A name or an address that is not known yet; a new one each time it is asked for.
#[derive(Debug)]
struct Unknown {
    mark: Arc<str>,
    watch: Arc<Watch>,
}

impl Object for Unknown {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        self.watch.note();
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, _key: &Value) -> Option<Value> {
        self.watch.note();
        None
    }

    fn is_true(self: &Arc<Self>) -> bool {
        self.watch.note();
        true
    }

    fn custom_cmp(self: &Arc<Self>, _other: &DynObject) -> Option<Ordering> {
        self.watch.note();
        None
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.watch.note();
        f.write_str(&self.mark)
    }
}
