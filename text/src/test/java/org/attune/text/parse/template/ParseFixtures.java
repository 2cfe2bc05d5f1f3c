package org.attune.text.parse.template;

import org.attune.json.Json;
import org.attune.text.TextFixtures;
import org.attune.text.parse.TurnParser;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Recorded turns, and what TRL reads in them.
public final class ParseFixtures {
    private final Map<String, Object> templates =
            TextFixtures.map(Json.parse(TextFixtures.text("agents/parsing/templates.json")));

    /// @param message as TRL reads it
    public record Case(
            String id,
            String template,
            String prefix,
            String text,
            List<Object> tools,
            Map<String, Object> message,
            boolean fallback) {}

    public List<Case> cases() {
        var cases = new ArrayList<Case>();
        for (Map<String, Object> row : TextFixtures.rows("agents/parsing/cases.jsonl")) {
            cases.add(
                    new Case(
                            (String) row.get("id"),
                            (String) row.get("template"),
                            (String) row.get("prefix"),
                            (String) row.get("text"),
                            row.containsKey("tools")
                                    ? List.of(templates.get((String) row.get("tools")))
                                    : List.of(),
                            TextFixtures.map(row.get("message")),
                            (Boolean) row.get("fallback")));
        }
        return cases;
    }

    private Map<String, Object> template(String name) {
        return TextFixtures.map(TextFixtures.map(templates.get("templates")).get(name));
    }

    public ResponseTemplate responseTemplate(String name) {
        return ResponseTemplate.read(name, template(name).get("response_template"));
    }

    public String endToken(String name) {
        return (String) template(name).get("eos_token");
    }

    public List<String> specialTokens(String name) {
        return TextFixtures.list(template(name).get("special_tokens")).stream()
                .map(String.class::cast)
                .toList();
    }

    /// The parser that does as TRL.
    public TurnParser trl(String name) {
        return new TrlTurnParser(
                responseTemplate(name), Optional.of(endToken(name)), specialTokens(name));
    }

    /// A JSON value in a form that doesn't depend on the kind of numbers or the order of keys.
    public static String canonical(Object value) {
        return switch (value) {
            case null -> "null";
            case Map<?, ?> map -> {
                var sorted = new java.util.TreeMap<String, String>();
                map.forEach((key, part) -> sorted.put((String) key, canonical(part)));
                yield new LinkedHashMap<>(sorted).toString();
            }
            case List<?> list -> list.stream().map(ParseFixtures::canonical).toList().toString();
            case Double number when !Double.isFinite(number) -> quoted(nonFinite(number));
            case String text -> quoted(text);
            default -> value.getClass().getSimpleName().replace("BigInteger", "Long") + value;
        };
    }

    private static String nonFinite(double number) {
        return Double.isNaN(number) ? "NaN" : number > 0 ? "Infinity" : "-Infinity";
    }

    private static String quoted(String text) {
        return Json.write(text);
    }
}
