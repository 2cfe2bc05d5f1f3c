package org.attune.datasets.formats;

import org.attune.datasets.rows.JsonValues;
import org.attune.datasets.rows.Row;
import org.attune.error.DatasetException;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/// Reads rows of heads that classify, rank or embed: sequences with labels.
///
/// @param type which columns there are
record LabelledColumns(DatasetType type, Row row) {
    private static final Set<String> LABELS =
            Set.of("label", "labels", "score", "ner_tags", "tags");

    /// @throws DatasetException with the row's place, if a column is missing or of another kind
    Sample.Labelled read() {
        List<String> columns =
                type.match(row.columns().keySet())
                        .orElseThrow(
                                () ->
                                        fault(
                                                "the columns are %s, accepted are %s"
                                                        .formatted(
                                                                String.join(
                                                                        ", ",
                                                                        row.columns().keySet()),
                                                                type.shape())));
        return switch (type) {
            case TOKEN_CLASSIFICATION -> words(columns.get(1));
            case RANKING -> ranking(columns);
            case EMBEDDING -> embedding(columns);
            default -> sample(List.of(texts(columns)), List.of(given(columns.getLast())));
        };
    }

    private Sample.Labelled sample(List<List<Content>> sequences, List<Object> labels) {
        return new Sample.Labelled(type, sequences, labels, SampleReader.options(row), row);
    }

    private List<Content> texts(List<String> columns) {
        return columns.stream().filter(c -> !LABELS.contains(c)).map(this::content).toList();
    }

    private Sample.Labelled words(String labels) {
        List<Content> words = list("tokens").stream().map(w -> text("tokens", w)).toList();
        List<Object> tags = list(labels);
        if (words.isEmpty() || words.size() != tags.size()) {
            throw fault(
                    "column tokens has %d words and column %s %d labels; one label for each word is accepted, and at least one word"
                            .formatted(words.size(), labels, tags.size()));
        }
        return sample(List.of(words), tags);
    }

    private Sample.Labelled embedding(List<String> columns) {
        List<List<Content>> sequences = new ArrayList<>();
        texts(columns).forEach(text -> sequences.add(List.of(text)));
        boolean scored = columns.size() > 2;
        if (!scored) {
            negatives().forEach(text -> sequences.add(List.of(text)));
        }
        return sample(sequences, scored ? List.of(given(columns.getLast())) : List.of());
    }

    private Sample.Labelled ranking(List<String> columns) {
        Content query = content("query");
        List<Content> documents = new ArrayList<>();
        List<Object> labels = new ArrayList<>();
        if (columns.contains("docs")) {
            list("docs").forEach(document -> documents.add(text("docs", document)));
            labels.addAll(list("labels"));
        } else if (columns.contains("label")) {
            documents.add(content("passage"));
            labels.add(given("label"));
        } else {
            documents.add(content("positive"));
            documents.addAll(negatives());
            documents.forEach(_ -> labels.add(labels.isEmpty() ? 1 : 0));
        }
        if (documents.isEmpty() || documents.size() != labels.size()) {
            throw fault(
                    "there are %d documents and %d labels; one label for each document is accepted, and at least one document"
                            .formatted(documents.size(), labels.size()));
        }
        return sample(documents.stream().map(d -> List.of(query, d)).toList(), labels);
    }

    /// Those of the columns `negative`, `negative_1`, …, and of the list `negatives`.
    private List<Content> negatives() {
        List<Content> found = new ArrayList<>();
        for (Map.Entry<String, Object> column : row.columns().entrySet()) {
            boolean named = column.getKey().startsWith("negative");
            if (named && column.getValue() instanceof List<?> list && !isMessages(list)) {
                list.forEach(text -> found.add(text(column.getKey(), text)));
            } else if (named && column.getValue() != null) {
                found.add(content(column.getKey()));
            }
        }
        return found;
    }

    private static boolean isMessages(List<?> list) {
        return !list.isEmpty() && list.getFirst() instanceof Map<?, ?>;
    }

    private Content content(String column) {
        return SampleReader.part(row, column, new MessageChecks(row.origin().where(), false));
    }

    private Content text(String column, Object value) {
        if (value instanceof String text) {
            return new Content.Text(text);
        }
        throw fault("column %s holds %s, strings are accepted".formatted(column, kind(value)));
    }

    private Object given(String column) {
        Object value = row.get(column);
        if (value == null) {
            throw fault("column %s is null, a label is accepted".formatted(column));
        }
        return value;
    }

    private List<Object> list(String column) {
        if (row.get(column) instanceof List<?> list && list.stream().noneMatch(Objects::isNull)) {
            return List.copyOf(list);
        }
        throw fault(
                "column %s is %s, a list without null is accepted"
                        .formatted(column, kind(row.get(column))));
    }

    private static String kind(Object value) {
        return value == null ? "null" : JsonValues.kind(value);
    }

    private DatasetException fault(String message) {
        return new DatasetException(row.origin().where() + ": " + message);
    }
}
