package org.attune.datasets.formats;

import org.attune.datasets.formats.LlamaFactorySpec.Formatting;
import org.attune.error.DatasetException;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/// Recognises rows of a question and its answer, or of a question and two answers, by the names
/// that public data sets give them (Dolly: `instruction`, `context`, `response`; GSM8K: `question`,
/// `answer`; `query`, `response`; `problem`, `solution`). They are Alpaca's rows under other names:
/// the question becomes the user's turn, the answer the assistant's.
///
/// Capital letters make no difference. `prompt` is none of the names, since TRL reads it as the
/// beginning of a plain text.
public final class QuestionColumns {
    /// A question's name → its answer's names.
    private static final Map<String, List<String>> ANSWERS = answers();

    private static final List<String> CONTEXTS = List.of("input", "context");
    private static final List<String> SYSTEMS = List.of("system", "system_prompt");

    private QuestionColumns() {}

    private static Map<String, List<String>> answers() {
        var answers = new LinkedHashMap<String, List<String>>();
        answers.put("instruction", List.of("output", "response", "answer", "completion"));
        answers.put("question", List.of("answer", "response", "output"));
        answers.put("query", List.of("response", "answer", "output"));
        answers.put("problem", List.of("solution", "answer", "response", "output"));
        answers.put("input", List.of("output"));
        answers.put("inputs", List.of("targets", "outputs"));
        answers.put("human", List.of("assistant"));
        answers.put("user", List.of("assistant"));
        return answers;
    }

    /// Whether the columns are Alpaca's own.
    public static boolean areAlpaca(Collection<String> columns) {
        return columns.contains("instruction")
                && (columns.contains("output")
                        || columns.containsAll(List.of("chosen", "rejected")));
    }

    /// How to read questions with answers.
    ///
    /// @param where    what stands before the message of an error
    /// @param columns  the row's
    /// @param labelled whether a column `label` says which answers are good
    /// @throws DatasetException if two columns could be the question or the answer
    public static Optional<LlamaFactorySpec> answered(
            String where, Collection<String> columns, boolean labelled) {
        Map<String, String> named = byName(columns);
        Optional<String> question = question(where, named);
        if (question.isEmpty()) {
            return Optional.empty();
        }
        boolean ranking = columns.containsAll(List.of("chosen", "rejected"));
        List<String> answers =
                ANSWERS.get(question.get()).stream().filter(named::containsKey).toList();
        if (answers.isEmpty() && !ranking) {
            return Optional.empty();
        }
        if (answers.size() > 1 && !ranking) {
            throw ambiguous(where, "answer", question.get(), answers, named);
        }
        Map<String, String> mapped = mapped(question.get(), named);
        if (!ranking) {
            mapped.put("response", named.get(answers.getFirst()));
        }
        if (labelled && named.containsKey("label")) {
            mapped.put("kto_tag", named.get("label"));
        }
        return Optional.of(spec(mapped, columns));
    }

    /// How to read questions whose answers a trainer writes itself.
    ///
    /// @throws DatasetException if two columns could be the question
    public static Optional<LlamaFactorySpec> asked(String where, Collection<String> columns) {
        Map<String, String> named = byName(columns);
        return question(where, named).map(question -> spec(mapped(question, named), columns));
    }

    private static LlamaFactorySpec spec(Map<String, String> mapped, Collection<String> columns) {
        String words =
                mapped.entrySet().stream()
                        .filter(entry -> !entry.getKey().equals("kto_tag"))
                        .map(Map.Entry::getValue)
                        .filter(columns::contains)
                        .collect(Collectors.joining(", "));
        return LlamaFactorySpec.plain(words, Formatting.ALPACA, mapped, columns);
    }

    private static Map<String, String> mapped(String question, Map<String, String> named) {
        var mapped = new LinkedHashMap<String, String>();
        mapped.put("prompt", named.get(question));
        if (question.equals("instruction")) {
            // also where the first row lacks it: a column that comes later isn't lost
            mapped.put(
                    "query",
                    CONTEXTS.stream()
                            .filter(named::containsKey)
                            .findFirst()
                            .map(named::get)
                            .orElse(named.containsKey("response") ? "context" : "input"));
        }
        SYSTEMS.stream()
                .filter(named::containsKey)
                .findFirst()
                .ifPresent(system -> mapped.put("system", named.get(system)));
        return mapped;
    }

    private static Optional<String> question(String where, Map<String, String> named) {
        List<String> found =
                ANSWERS.keySet().stream()
                        .filter(named::containsKey)
                        .filter(name -> !CONTEXTS.contains(name) || onlyInput(named))
                        .toList();
        if (found.size() > 1) {
            throw ambiguous(where, "question", found.getFirst(), found, named);
        }
        return found.stream().findFirst();
    }

    /// `input` is a question where nothing else is one.
    private static boolean onlyInput(Map<String, String> named) {
        return ANSWERS.keySet().stream().filter(named::containsKey).count() == 1;
    }

    private static DatasetException ambiguous(
            String where,
            String what,
            String question,
            List<String> found,
            Map<String, String> named) {
        List<String> names = found.stream().map(named::get).toList();
        boolean answer = what.equals("answer");
        return new DatasetException(
                "%s: the columns %s could each be the %s; say which is with columns: {%s: instruction, %s: output}"
                        .formatted(
                                where,
                                String.join(" and ", names),
                                what,
                                named.get(question),
                                answer ? names.getFirst() : "ANSWER"));
    }

    /// Names in small letters → names in the file; those that only differ in this are left out.
    private static Map<String, String> byName(Collection<String> columns) {
        var named = new LinkedHashMap<String, String>();
        var twice = new ArrayList<String>();
        for (String column : columns) {
            String name = column.toLowerCase(Locale.ROOT).strip();
            if (named.putIfAbsent(name, column) != null) {
                twice.add(name);
            }
        }
        twice.forEach(named::remove);
        return named;
    }
}
