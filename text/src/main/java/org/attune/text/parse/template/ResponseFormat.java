package org.attune.text.parse.template;

import org.attune.text.parse.turn.CallReader.CallReading;
import org.attune.text.parse.turn.Mark;
import org.attune.text.parse.turn.PythonPattern;
import org.attune.text.parse.turn.PythonRules;
import org.attune.text.parse.turn.Quote;
import org.attune.text.parse.turn.Region;
import org.attune.text.parse.turn.TurnFormat;
import org.attune.text.parse.turn.TurnFormat.Opening;
import org.attune.text.parse.turn.UnreadableException;
import org.attune.text.parse.turn.WrittenCall;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/// The format of turns that a response template describes. Its fields are read by the template's
/// rules; what [TurnFormat]s do better than transformers' parser is done here too.
public final class ResponseFormat {
    private static final Set<String> REASONING =
            Set.of("reasoning_content", "thinking", "reasoning");

    private final ResponseTemplate template;
    private final Optional<String> endToken;
    private final List<String> specialTokens;

    private ResponseFormat(
            ResponseTemplate template, Optional<String> endToken, List<String> specialTokens) {
        this.template = template;
        this.endToken = endToken;
        this.specialTokens = specialTokens;
    }

    /// @param endToken of the tokenizer
    /// @param specialTokens of the tokenizer: those that the template doesn't name are left out
    public static TurnFormat of(
            ResponseTemplate template, Optional<String> endToken, List<String> specialTokens) {
        return new ResponseFormat(template, endToken, specialTokens).format();
    }

    private TurnFormat format() {
        var openings = new ArrayList<Opening>();
        String reasoningKey = "reasoning_content";
        for (ResponseField field : template.fields().values()) {
            if (field.open().isPresent()) {
                openings.add(Opening.of(open(field.open().get()), region(field)));
            }
            if (isReasoning(field)) {
                reasoningKey = field.name();
            }
        }
        Optional<ResponseField> implicit = template.implicit();
        var ends = new ArrayList<Mark>();
        implicit.flatMap(ResponseField::close).ifPresent(close -> ends.add(Mark.of(close)));
        endToken.map(Mark::of).ifPresent(ends::add);
        List<String> skipped =
                specialTokens.stream()
                        .filter(token -> !isNamed(token) && !endToken.equals(Optional.of(token)))
                        .toList();
        boolean isStripped =
                template.fields().values().stream()
                        .allMatch(f -> PythonRules.isTrue(f.args().getOrDefault("strip", true)));
        return new TurnFormat(
                openings,
                ends,
                skipped,
                specialTokens,
                List.of(),
                template::promptEnd,
                reasoningKey,
                template.defaults(),
                isStripped,
                implicit.isPresent());
    }

    private static Mark open(PythonPattern pattern) {
        return pattern.ahead().map(Mark::ahead).orElseGet(() -> Mark.of(pattern));
    }

    /// Whether a part of the format has this token in what opens or closes it.
    private boolean isNamed(String token) {
        return template.fields().values().stream()
                .filter(field -> field.open().isPresent())
                .flatMap(field -> Stream.of(field.open(), field.close()))
                .flatMap(Optional::stream)
                .map(pattern -> pattern.pattern().pattern().replace("\\", ""))
                .anyMatch(pattern -> pattern.contains(token));
    }

    private static boolean isReasoning(ResponseField field) {
        return REASONING.contains(field.name()) && field.parser().equals("text");
    }

    private static Region region(ResponseField field) {
        List<Mark> closes = field.close().map(Mark::of).map(List::of).orElse(List.of());
        if (isReasoning(field) || isContent(field)) {
            return new Region.Prose(isReasoning(field), closes);
        }
        if (field.name().equals("tool_calls")) {
            return new Region.Calls(
                    closes,
                    quotes(field),
                    closes.isEmpty(),
                    (body, groups) -> CallReading.of(calls(field.value(body, groups))));
        }
        return new Region.Value(
                closes, (body, groups, message) -> field.store(message, field.value(body, groups)));
    }

    private static boolean isContent(ResponseField field) {
        return field.name().equals("content") && field.parser().equals("text");
    }

    private static List<Quote> quotes(ResponseField field) {
        var quotes = new ArrayList<Quote>();
        if (field.args().get("string_delims") instanceof List<?> pairs) {
            for (Object pair : pairs) {
                var marks = (List<?>) pair;
                quotes.add(new Quote((String) marks.get(0), (String) marks.get(1), false, false));
            }
        }
        if (field.parser().equals("json")) {
            quotes.addAll(Quote.JSON);
        } else if (field.parser().equals("python-call-list")) {
            quotes.addAll(Quote.PYTHON);
        }
        return quotes;
    }

    /// The calls of a field's value: one, or a list of several.
    private static List<WrittenCall> calls(Object value) {
        return switch (value) {
            case List<?> list -> list.stream().flatMap(item -> calls(item).stream()).toList();
            case Map<?, ?> map when map.get("function") instanceof List<?> functions ->
                    functions.stream().map(function -> call(map, function)).toList();
            case Map<?, ?> map when map.containsKey("function") ->
                    List.of(call(map, map.get("function")));
            case Map<?, ?> map -> List.of(WrittenCall.flat(map));
            case null, default -> throw new UnreadableException("it is no object");
        };
    }

    private static WrittenCall call(Map<?, ?> entry, Object function) {
        var copy = new LinkedHashMap<String, Object>();
        entry.forEach((key, part) -> copy.put((String) key, part));
        copy.put("function", function);
        return new WrittenCall(copy);
    }
}
