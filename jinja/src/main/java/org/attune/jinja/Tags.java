package org.attune.jinja;

import java.util.List;

/// The filter `striptags`: text without HTML's comments and tags, its white space as single
/// spaces. One pass, whatever
/// stands in them.
final class Tags {
    private Tags() {}

    static String strip(String html) {
        Budget.slowCharacters(html.length());
        List<Object> words = Strings.splitWords(outside(html), -1);
        var out = new StringBuilder();
        for (Object word : words) {
            out.append(out.isEmpty() ? "" : " ").append(word);
        }
        return unescaped(out.toString());
    }

    /// What stands outside of comments and tags; one that isn't closed stays, with all behind it.
    private static String outside(String html) {
        var out = new StringBuilder();
        int from = 0;
        for (int open = html.indexOf('<'); open >= 0; open = html.indexOf('<', from)) {
            boolean comment = html.startsWith("<!--", open);
            int close = comment ? html.indexOf("-->", open + 4) : html.indexOf('>', open);
            if (close < 0) {
                break;
            }
            out.append(html, from, open);
            from = close + (comment ? 3 : 1);
        }
        return out.append(html, from, html.length()).toString();
    }

    private static String unescaped(String text) {
        return text.replace("&lt;", "<")
                .replace("&gt;", ">")
                .replace("&#34;", "\"")
                .replace("&quot;", "\"")
                .replace("&#39;", "'")
                .replace("&amp;", "&");
    }
}
