package org.attune.cli.config;

import com.fasterxml.jackson.core.JsonProcessingException;

import org.yaml.snakeyaml.error.Mark;
import org.yaml.snakeyaml.error.MarkedYAMLException;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/// Says what is wrong with a text that is no YAML, in words for people who write one now and then.
final class YamlFault {
    /// A part of the parser's message → ours.
    private static final Map<String, String> WORDS = words();

    private YamlFault() {}

    private static Map<String, String> words() {
        var words = new LinkedHashMap<String, String>();
        words.put("TAB", "a tab; indent with spaces");
        words.put(
                "mapping values are not allowed",
                "a ':' where none may be: put a text that holds ': ' in quotes, and begin keys of"
                        + " one level in the same column");
        words.put(
                "expected <block end>",
                "the line fits none before it; begin keys of one level in the same column");
        words.put("expected ',' or ']'", "a list that begins with [ is not closed with ]");
        words.put("expected ',' or '}'", "a map that begins with { is not closed with }");
        words.put("unexpected end of stream", "a quote is opened and never closed");
        words.put("unexpected document separator", "a quote is opened and never closed");
        words.put(
                "unknown escape character",
                "a backslash in double quotes that means nothing known; write two, or use"
                        + " single quotes");
        words.put("could not find expected ':'", "a key without ': ' and a value behind it");
        words.put(
                "cannot start any token",
                "a character that can't begin a value; put the value in quotes");
        words.put("undefined alias", "an alias (*name); write the value out");
        words.put("alphabetic or numeric character", "a name of an anchor or alias is missing");
        words.put("special characters are not allowed", "a control character; remove it");
        words.put("Expected a field name", "a key that is a list or a map; a text is accepted");
        words.put("code points", "more than 3 MiB; a run's file has a few lines");
        words.put("esting depth", "nested more than 50 deep");
        words.put("esting Depth", "nested more than 50 deep");
        words.put("ame length", "a key of more than 50,000 characters");
        words.put("incompatible YAML document", "another version of YAML than 1.1");
        return words;
    }

    /// @param name of the text
    static String message(String name, Exception e) {
        Optional<MarkedYAMLException> marked = marked(e);
        String said =
                marked.map(MarkedYAMLException::getProblem)
                        .orElse(
                                e instanceof JsonProcessingException json
                                        ? json.getOriginalMessage()
                                        : String.valueOf(e.getMessage()));
        String ours =
                WORDS.entrySet().stream()
                        .filter(entry -> said.contains(entry.getKey()))
                        .map(Map.Entry::getValue)
                        .findFirst()
                        .orElseGet(() -> said.lines().findFirst().orElse(said));
        return "%s:%d: not YAML: %s".formatted(name, line(e, marked, said), ours);
    }

    private static Optional<MarkedYAMLException> marked(Throwable e) {
        for (Throwable cause = e; cause != null; cause = cause.getCause()) {
            if (cause instanceof MarkedYAMLException found) {
                return Optional.of(found);
            }
        }
        return Optional.empty();
    }

    private static int line(Exception e, Optional<MarkedYAMLException> marked, String said) {
        if (marked.isPresent()) {
            // What is never closed is looked for at its beginning.
            boolean open = said.contains("end of stream") || said.contains("expected ',' or");
            Mark begin = marked.get().getContextMark();
            Mark end = marked.get().getProblemMark();
            Mark mark = open && begin != null || end == null ? begin : end;
            return mark == null ? 1 : mark.getLine() + 1;
        }
        if (e instanceof JsonProcessingException json && json.getLocation() != null) {
            return Math.max(1, json.getLocation().getLineNr());
        }
        return 1;
    }
}
