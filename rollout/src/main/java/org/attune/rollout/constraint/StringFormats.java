package org.attune.rollout.constraint;

import java.util.Collections;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/// What `format` means, as regular expressions: dates of the calendar (RFC 3339, without leap
/// seconds), addresses and names of RFC 5321, 1123, 4291 and 3986, durations of RFC 3339's annex.
final class StringFormats {
    private static final String OCTET = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])";
    private static final String IPV4 = "(" + OCTET + "\\.){3}" + OCTET;
    private static final String HEX = "[0-9a-fA-F]{1,4}";
    private static final Map<String, String> REGEX = new TreeMap<>();

    static {
        String date = date();
        String time =
                "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]+)?"
                        + "([zZ]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])";
        String label = "[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?";
        String shortLabel = label.replace("*", "{0,61}");
        String word = "[a-zA-Z0-9!#$%&'*+\\-/=?^_`{|}~]+";
        REGEX.put("date", date);
        REGEX.put("time", time);
        REGEX.put("date-time", "(" + date + ")[tT]" + time);
        REGEX.put("duration", duration());
        REGEX.put(
                "email",
                "%s(\\.%s)*@(%s(\\.%s)*|\\[%s\\])".formatted(word, word, label, label, IPV4));
        REGEX.put("hostname", "%s(\\.%s)*".formatted(shortLabel, shortLabel));
        REGEX.put("ipv4", IPV4);
        REGEX.put("ipv6", ipv6());
        REGEX.put("uri", uri());
        REGEX.put("uuid", "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}");
    }

    private StringFormats() {}

    static Set<String> names() {
        return Collections.unmodifiableSet(REGEX.keySet());
    }

    /// The expression that texts of a format match as a whole, or null for an unknown one.
    static String regex(String format) {
        return REGEX.get(format);
    }

    /// Days that exist, from year 1 on.
    private static String date() {
        String fourths = "(0[48]|[2468][048]|[13579][26])"; // 04, 08, … 96
        String leap = "([0-9]{2}" + fourths + "|" + fourths + "00)";
        String year = "([0-9]{3}[1-9]|[0-9]{2}[1-9]0|[0-9][1-9]00|[1-9]000)";
        return ("%s-(0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|%s-(0[469]|11)-(0[1-9]|[12][0-9]|30)"
                        + "|%s-02-(0[1-9]|1[0-9]|2[0-8])|%s-02-29")
                .formatted(year, year, year, leap);
    }

    private static String duration() {
        String minutes = "[0-9]+M([0-9]+S)?";
        String time = "T([0-9]+H(" + minutes + ")?|" + minutes + "|[0-9]+S)";
        String months = "[0-9]+M([0-9]+D)?";
        return "P(([0-9]+Y(%s)?|%s|[0-9]+D)(%s)?|%s|[0-9]+W)".formatted(months, months, time, time);
    }

    /// Eight groups, or fewer around `::`; the last two groups are written so where they follow it.
    private static String ipv6() {
        var forms = new StringBuilder("(" + HEX + ":){7}" + HEX);
        for (int behind = 7; behind >= 0; behind--) {
            int before = 7 - behind;
            String left = before == 0 ? "" : "((" + HEX + ":){0," + (before - 1) + "}" + HEX + ")?";
            String right =
                    behind < 2
                            ? HEX.repeat(behind)
                            : "(%s:){1,%d}%s".formatted(HEX, behind - 1, HEX);
            forms.append('|').append(left).append("::").append(right);
        }
        return forms.toString();
    }

    private static String uri() {
        String escaped = "%[0-9a-fA-F]{2}";
        String name = "a-zA-Z0-9\\-._~!$&'()*+,;=";
        String user = "([" + name + ":]|" + escaped + ")*";
        String host = "([" + name + "]|" + escaped + ")*";
        String segment = "([" + name + ":@]|" + escaped + ")";
        String rest = "([" + name + ":@/?]|" + escaped + ")*";
        var groups = new StringBuilder("(" + HEX + ":){7}" + HEX + "|(" + HEX + ":){1,7}:");
        for (int behind = 1; behind <= 6; behind++) {
            groups.append("|(%s:){1,%d}(:%s){1,%d}".formatted(HEX, 7 - behind, HEX, behind));
        }
        groups.append("|:(:" + HEX + "){1,7}|::|v[0-9a-fA-F]+\\.[" + name + ":]+");
        String authority = "(%s@)?(\\[(%s)\\]|%s)(:[0-9]*)?".formatted(user, groups, host);
        String path = "(/%s*)*".formatted(segment);
        return "[a-zA-Z][a-zA-Z0-9+\\-.]*:(//%s%s|/(%s+%s)?|(%s+%s)?)(\\?%s)?(#%s)?"
                .formatted(authority, path, segment, path, segment, path, rest, rest);
    }
}
