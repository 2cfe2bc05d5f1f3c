package org.attune.reports.page;

import java.util.Base64;

/// HTML under construction. What comes from outside is escaped; only names of tags and attributes
/// are taken as they are.
final class Html {
    private final StringBuilder markup = new StringBuilder();

    /// Begins an element.
    ///
    /// @param attributes names and values by turns
    Html open(String tag, String... attributes) {
        markup.append('<').append(tag);
        for (int i = 0; i < attributes.length; i += 2) {
            markup.append(' ').append(attributes[i]).append("=\"");
            markup.append(escape(attributes[i + 1])).append('"');
        }
        markup.append('>');
        return this;
    }

    Html close(String tag) {
        markup.append("</").append(tag).append(">\n");
        return this;
    }

    /// Content, escaped.
    Html text(String content) {
        markup.append(escape(content));
        return this;
    }

    /// An element that holds nothing but text.
    Html element(String tag, String content, String... attributes) {
        return open(tag, attributes).text(content).close(tag);
    }

    /// A part that was built by another one of these.
    Html add(Html part) {
        markup.append(part.markup);
        return this;
    }

    /// A picture whose bytes stand in the page.
    ///
    /// @param png its file
    Html picture(byte[] png) {
        return open("img", "src", address(png), "alt", "", "class", "shown");
    }

    /// An address that has a picture's bytes.
    static String address(byte[] png) {
        return "data:image/png;base64," + Base64.getEncoder().encodeToString(png);
    }

    /// The row of a table.
    ///
    /// @param cells the first one is the row's head
    Html row(String... cells) {
        open("tr").element("th", cells[0], "scope", "row");
        for (int i = 1; i < cells.length; i++) {
            element("td", cells[i]);
        }
        return close("tr");
    }

    /// Begins a table, which [#endTable] ends. Wide ones are scrolled within the page.
    Html table(String label, String... heads) {
        open("div", "class", "wide", "tabindex", "0", "role", "region", "aria-label", label);
        open("table").open("thead").open("tr");
        for (String head : heads) {
            element("th", head, "scope", "col");
        }
        return close("tr").close("thead").open("tbody");
    }

    Html endTable() {
        return close("tbody").close("table").close("div");
    }

    boolean isEmpty() {
        return markup.isEmpty();
    }

    @Override
    public String toString() {
        return markup.toString();
    }

    /// Text for elements and for attributes in double quotes. Characters that HTML has no place
    /// for, or that turn the direction of the text around them, are shown as `\u202e`.
    static String escape(String text) {
        var escaped = new StringBuilder(text.length() + 16);
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '&' -> escaped.append("&amp;");
                case '<' -> escaped.append("&lt;");
                case '>' -> escaped.append("&gt;");
                case '"' -> escaped.append("&quot;");
                case '\'' -> escaped.append("&#39;");
                case '\n', '\t' -> escaped.append(c);
                default -> {
                    if (isInvisible(text, i)) {
                        escaped.append("\\u%04x".formatted((int) c));
                    } else {
                        escaped.append(c);
                    }
                }
            }
        }
        return escaped.toString();
    }

    private static boolean isInvisible(String text, int at) {
        char c = text.charAt(at);
        if (Character.isHighSurrogate(c)) {
            return at + 1 == text.length() || !Character.isLowSurrogate(text.charAt(at + 1));
        }
        if (Character.isLowSurrogate(c)) {
            return at == 0 || !Character.isHighSurrogate(text.charAt(at - 1));
        }
        return Character.isISOControl(c)
                || c >= '\u202a' && c <= '\u202e'
                || c >= '\u2066' && c <= '\u2069'
                || c == '\u2028'
                || c == '\u2029'
                || c >= '\ufdd0' && c <= '\ufdef'
                || c >= '\ufffe';
    }
}
