package org.attune.jinja;

/// A string that is safe to stand in HTML as it is (`| safe`, `| escape`). What is joined to it
/// with `+` gets escaped, which matters for chat templates that use `safe` for no reason.
record Markup(String text) {
    static Markup escape(Object value) {
        if (value instanceof Markup markup) {
            return markup;
        }
        String text = Repr.text(value);
        Budget.slowCharacters(text.length());
        return new Markup(
                text.replace("&", "&amp;")
                        .replace("<", "&lt;")
                        .replace(">", "&gt;")
                        .replace("'", "&#39;")
                        .replace("\"", "&#34;"));
    }

    @Override
    public String toString() {
        return text;
    }
}
