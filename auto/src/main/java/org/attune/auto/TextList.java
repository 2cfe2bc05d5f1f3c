package org.attune.auto;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Lists of texts in cells, as JSON or as Python and numpy print them.
final class TextList {
    private TextList() {}

    /// The cell's texts and numbers: of a list, or of an object's `text`, as SQuAD and ARC have it.
    ///
    /// @return empty if the cell is no such list, or the list has nothing in it
    static Optional<List<String>> of(Object cell) {
        Object value = cell instanceof String text ? parsed(text) : cell;
        if (value instanceof Map<?, ?> map) {
            value = map.get("text");
        }
        if (!(value instanceof List<?> list) || list.isEmpty()) {
            return Optional.empty();
        }
        List<String> texts = new ArrayList<>();
        for (Object item : list) {
            if (!(item instanceof String || item instanceof Number)) {
                return Optional.empty();
            }
            texts.add(shown(item));
        }
        return Optional.of(texts);
    }

    /// Whether a cell holds several answers: SQuAD's object of them, or a list of texts in a column
    /// whose name is of several.
    static boolean isAnswers(String column, Object cell) {
        Object value = cell instanceof String text ? parsed(text) : cell;
        return value instanceof Map<?, ?> map && map.containsKey("answer_start")
                || value instanceof List<?> list
                        && ColumnWords.has(column, "list")
                        && list.stream().allMatch(String.class::isInstance);
    }

    /// The answer; of several, the first.
    static Optional<String> answer(String column, Object cell) {
        return isAnswers(column, cell)
                ? of(cell).map(List::getFirst).filter(text -> !text.isEmpty())
                : Optional.ofNullable(cell)
                        .map(value -> String.valueOf(value).strip())
                        .filter(text -> !text.isEmpty());
    }

    /// Words of the longest text in a cell; numbers have none.
    static int words(Object cell) {
        Object value = cell instanceof String text ? parsed(text) : cell;
        return switch (value) {
            case null -> Integer.MAX_VALUE;
            case String text -> text.strip().split("\\s+").length;
            case List<?> list -> list.stream().mapToInt(TextList::item).max().orElse(0);
            case Map<?, ?> map -> map.values().stream().mapToInt(TextList::item).max().orElse(0);
            default -> 0;
        };
    }

    private static int item(Object item) {
        return item instanceof String text
                ? text.strip().split("\\s+").length
                : item == null ? 0 : words(item);
    }

    /// A whole number is written without a fraction, which the reader of printed lists gives it.
    private static String shown(Object item) {
        return item instanceof Double number && number == Math.rint(number)
                ? String.valueOf(number.longValue())
                : String.valueOf(item).strip();
    }

    private static Object parsed(String text) {
        String plain =
                text.contains("array([")
                        ? text.replace("array([", "[").replaceAll("](,\\s*dtype=\\w+)?\\)", "]")
                        : text;
        return ChatCell.parsed(plain);
    }
}
