package org.attune.text.parse.template;

import org.attune.text.parse.turn.ArgumentTypes;
import org.attune.text.parse.turn.PythonPattern;
import org.attune.text.parse.turn.PythonRules;
import org.attune.text.parse.turn.UnreadableException;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// One turn on its way through a response template: region after region, as transformers' parser
/// goes through it when it is given the whole turn at once.
final class TrlReading {
    private final ResponseTemplate template;
    private final ArgumentTypes types;
    private final Map<String, Object> output;
    private final Optional<ResponseField> implicit;
    private final Map<String, Optional<Mark>> openings = new LinkedHashMap<>();
    private final Map<String, Optional<Mark>> closings = new LinkedHashMap<>();
    private String buffer = "";
    private int at;
    private Optional<ResponseField> current;
    private Map<String, String> captures = new LinkedHashMap<>();
    private StringBuilder body = new StringBuilder();
    private boolean isOpen;

    TrlReading(ResponseTemplate template, ArgumentTypes types) {
        this.template = template;
        this.types = types;
        this.output = PythonRules.copy(template.defaults());
        this.implicit = template.implicit();
        this.current = implicit;
    }

    /// @param start of the text, one past its end
    private record Mark(
            ResponseField field, boolean opens, int start, int end, Map<String, String> groups) {}

    /// @throws UnreadableException if a region can't be read, or a field is missing
    Map<String, Object> read(String prefix, String text) {
        buffer = template.promptEnd(prefix) + text;
        boolean goesOn = true;
        while (goesOn) {
            goesOn = step();
        }
        for (ResponseField field : template.fields().values()) {
            if (!field.isOptional() && !output.containsKey(field.name())) {
                throw new UnreadableException(field.name() + " is missing");
            }
        }
        output.entrySet()
                .removeIf(
                        field ->
                                !template.defaults().containsKey(field.getKey())
                                        && isEmpty(field.getValue()));
        return output;
    }

    private static boolean isEmpty(Object value) {
        return switch (value) {
            case null -> true;
            case String text -> text.isEmpty();
            case Collection<?> items -> items.isEmpty();
            case Map<?, ?> map -> map.isEmpty();
            default -> false;
        };
    }

    /// Goes on to the next mark; false at the end.
    private boolean step() {
        Optional<Mark> next = next();
        if (next.isEmpty()) {
            take(buffer.length());
            close();
            return false;
        }
        Mark mark = next.get();
        take(mark.start());
        at = mark.end();
        if (mark.opens()) {
            close();
            current = Optional.of(mark.field());
            captures = new LinkedHashMap<>(mark.groups());
            isOpen = true;
            return true;
        }
        boolean hadContent = isOpen;
        captures.putAll(mark.groups());
        close();
        return hadContent || mark.start() < mark.end();
    }

    private void take(int end) {
        if (end > at && current.isPresent()) {
            isOpen = true;
            body.append(buffer, at, end);
        }
        at = end;
    }

    /// The mark that begins first; of several there the longest, then one that opens, then by name.
    private Optional<Mark> next() {
        Mark best = null;
        for (Mark mark : marks()) {
            if (best == null || comesFirst(mark, best)) {
                best = mark;
            }
        }
        return Optional.ofNullable(best);
    }

    private static boolean comesFirst(Mark mark, Mark other) {
        if (mark.start() != other.start()) {
            return mark.start() < other.start();
        }
        if (mark.end() != other.end()) {
            return mark.end() > other.end();
        }
        if (mark.opens() != other.opens()) {
            return mark.opens();
        }
        return mark.field().name().compareTo(other.field().name()) < 0;
    }

    private List<Mark> marks() {
        var marks = new ArrayList<Mark>();
        if (current.isPresent() && !current.equals(implicit)) {
            mark(current.get(), false).ifPresent(marks::add);
            return marks;
        }
        template.fields().values().forEach(field -> mark(field, true).ifPresent(marks::add));
        implicit.flatMap(field -> mark(field, false)).ifPresent(marks::add);
        return marks;
    }

    /// The first mark of a kind. One found from an earlier place on is still the first if it is
    /// ahead, so that no text is searched twice.
    private Optional<Mark> mark(ResponseField field, boolean opens) {
        Map<String, Optional<Mark>> known = opens ? openings : closings;
        Optional<Mark> found = known.get(field.name());
        if (found == null || found.isPresent() && found.get().start() < at) {
            found = search(field, opens);
            known.put(field.name(), found);
        }
        return found;
    }

    private Optional<Mark> search(ResponseField field, boolean opens) {
        Optional<PythonPattern> pattern = opens ? field.open() : field.close();
        if (pattern.isEmpty()) {
            return Optional.empty();
        }
        Optional<String> ahead = pattern.get().ahead();
        if (ahead.isPresent()) {
            return buffer.indexOf(ahead.get(), at) < 0
                    ? Optional.empty()
                    : Optional.of(new Mark(field, opens, at, at, Map.of()));
        }
        return pattern.get()
                .on(
                        buffer,
                        matcher ->
                                matcher.find(at)
                                        ? Optional.of(
                                                new Mark(
                                                        field,
                                                        opens,
                                                        matcher.start(),
                                                        matcher.end(),
                                                        pattern.get().named(matcher)))
                                        : Optional.<Mark>empty());
    }

    private void close() {
        if (current.isPresent() && isOpen) {
            ResponseField field = current.get();
            Object value = field.value(body.toString(), captures);
            field.store(output, types.isEmpty() ? value : typed(value));
        }
        current = implicit;
        captures = new LinkedHashMap<>();
        body = new StringBuilder();
        isOpen = false;
    }

    private Object typed(Object value) {
        if (value instanceof List<?> items) {
            var result = new ArrayList<>();
            items.forEach(item -> result.add(typed(item)));
            return result;
        }
        if (value instanceof Map<?, ?> call
                && call.get("function") instanceof Map<?, ?> function
                && function.get("name") instanceof String name) {
            var typed = new LinkedHashMap<Object, Object>(function);
            typed.computeIfPresent("arguments", (_, given) -> types.typed(name, given));
            var result = new LinkedHashMap<Object, Object>(call);
            result.put("function", typed);
            return result;
        }
        return value;
    }
}
