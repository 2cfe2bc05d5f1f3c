package org.attune.auto;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// What programs write above a table: `sep=;` for Excel, `#separator:tab` and the like by Anki.
///
/// @param rest the text with these lines left empty, so that lines keep their numbers
/// @param delimiter that it names
/// @param notes what was read, for people
record TextPreamble(String rest, Optional<Character> delimiter, List<String> notes) {
    private static final Pattern SEPARATOR =
            Pattern.compile("\"?sep=(.)\"?\\r?\\n", Pattern.CASE_INSENSITIVE);
    private static final Pattern SETTING = Pattern.compile("#([a-z][a-z ]*):([^\\r\\n]*)\\r?\\n");
    private static final Map<String, Character> NAMES =
            Map.of("tab", '\t', "comma", ',', "semicolon", ';', "pipe", '|');

    static TextPreamble of(String text) {
        Matcher separator = SEPARATOR.matcher(text);
        if (separator.lookingAt()) {
            return new TextPreamble(
                    "\n" + text.substring(separator.end()),
                    Optional.of(separator.group(1).charAt(0)),
                    List.of("the first line names the delimiter"));
        }
        Matcher setting = SETTING.matcher(text);
        Optional<Character> delimiter = Optional.empty();
        List<String> notes = new ArrayList<>();
        int end = 0;
        while (setting.find() && setting.start() == end) {
            if (setting.group(1).equals("separator")) {
                String said = setting.group(2).strip().toLowerCase(Locale.ROOT);
                delimiter =
                        said.length() == 1
                                ? Optional.of(said.charAt(0))
                                : Optional.ofNullable(NAMES.get(said.replace("\\t", "tab")));
            }
            end = setting.end();
            notes.add("a setting, left out: #%s".formatted(setting.group(1)));
        }
        return new TextPreamble("\n".repeat(notes.size()) + text.substring(end), delimiter, notes);
    }
}
