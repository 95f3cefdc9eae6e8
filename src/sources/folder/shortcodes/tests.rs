//! Shortcodes in texts and in code.

use super::*;

fn shown(text: &str) -> (String, Vec<String>) {
    let address = |path: &str| Some(format!("/to/{}/", path.trim_end_matches(".md")));
    let expanded = expand(text, &address);
    (expanded.text, expanded.unknown.into_iter().collect())
}

#[test]
fn pictures_films_and_links_become_html() {
    for (text, html) in [
        (
            "{{< figure src=\"boat.jpg\" alt=\"A <boat>\" caption='On the river' >}}",
            "<figure><img src=\"boat.jpg\" alt=\"A &lt;boat&gt;\"><figcaption>On the river</figcaption></figure>",
        ),
        (
            "{{< vimeo\u{a0}12 >}}",
            "<p><a href=\"https://vimeo.com/12\">https://vimeo.com/12</a></p>",
        ),
        (
            "{{< youtube dQw4w9WgXcQ >}}",
            "<p><a href=\"https://www.youtube.com/watch?v=dQw4w9WgXcQ\">https://www.youtube.com/watch?v=dQw4w9WgXcQ</a></p>",
        ),
        (
            "{{ youtube(id=\"abc\", autoplay=true) }}",
            "<p><a href=\"https://www.youtube.com/watch?v=abc\">https://www.youtube.com/watch?v=abc</a></p>",
        ),
        (
            "{{< tweet user=\"ada\" id=\"12\" >}}",
            "<p><a href=\"https://x.com/ada/status/12\">https://x.com/ada/status/12</a></p>",
        ),
        (
            "{% include figure.html src=\"a.jpg\" alt=\"A\" %}",
            "<figure><img src=\"a.jpg\" alt=\"A\"></figure>",
        ),
        ("[x]({{< ref \"b.md\" >}})", "[x](/to/b/)"),
        ("[x]({% post_url 2026-01-01-b %})", "[x](/to/2026-01-01-b/)"),
        ("![](<{{ '/a.jpg' | relative_url }}>)", "![](</a.jpg>)"),
        ("![]({{ site.baseurl }}/a.jpg)", "![](/a.jpg)"),
    ] {
        let (shown, unknown) = shown(text);
        assert_eq!(shown.trim(), html, "{text}");
        assert!(unknown.is_empty(), "{text}: {unknown:?}");
    }
}

#[test]
fn around_a_text_they_go_and_others_are_named() {
    let (text, unknown) =
        shown("a {{< notice tip >}}kept{{< /notice >}} b {{% box %}}too{{% /box %}}");
    assert_eq!(text, "a kept b too");
    assert_eq!(unknown, ["box", "notice"]);
    let (text, unknown) =
        shown("{% quote(author=\"x\") %}kept{% end %}{% comment %}gone{% endcomment %}.");
    assert_eq!(text, "kept.");
    assert_eq!(unknown, ["quote"]);
    let (text, _) = shown("{% highlight ruby %}\nputs 1\n{% endhighlight %}");
    assert_eq!(text, "\n```ruby\n\nputs 1\n\n```\n");
}

#[test]
fn code_is_left_as_it_is() {
    for text in [
        "```\n{{ .Title }} {% x %}\n```\n",
        "~~~ go\n{{< figure >}}\n~~~\n",
        "```\n{{ open",
        "say `{{ x }}` or ``{{ ` }}``",
        "a { b } {x",
        "{{ never closed",
    ] {
        assert_eq!(shown(text), (text.to_owned(), Vec::new()), "{text}");
    }
    assert_eq!(
        shown("```\n{{</* figure */>}}\n```\n").0,
        "```\n{{< figure >}}\n```\n"
    );
    assert_eq!(shown("```\nx\n```\n{{< b >}}after").0, "```\nx\n```\nafter");
}

proptest::proptest! {
    #[test]
    fn no_text_breaks_it_and_none_grows_much(text in "(\\{\\{[<%]? ?|[>%]?\\}\\}|\\{%|%\\}|`{1,3}|\n|figure|src=|\u{a0}|x|\"|\\PC){0,60}") {
        let (shown, _) = shown(&text);
        proptest::prop_assert!(shown.len() <= text.len() * 40 + 200);
    }
}
