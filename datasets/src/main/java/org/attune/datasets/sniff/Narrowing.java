package org.attune.datasets.sniff;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/// Chooses between columns of which several could be the question or the answer, where names or
/// contents say which one people mean. What was left out is noted.
record Narrowing(Draft draft) {
    private static final double MOST = 0.9;

    /// Leaves out short recurring words beside texts, other forms of the same question, and what
    /// holds a question as a template writes it.
    List<String> prompts(List<String> prompts) {
        List<String> left = new ArrayList<>(prompts);
        reduce(left, this::isCategory, "column \"%s\" sorts rows, and is left out");
        reduce(left, Narrowing::isVariant, "column \"%s\" is another form, and is left out");
        reduce(left, Narrowing::isOfMedium, "column \"%s\" is no text, and is left out");
        reduce(
                left,
                whole -> left.stream().anyMatch(part -> repeats(whole, part)),
                "column \"%s\" repeats the question, and is left out");
        return left;
    }

    /// Whether nearly all cells of a column hold those of another, and more.
    private boolean repeats(String whole, String part) {
        return new Extracts(draft.table()).share(part, whole) > MOST;
    }

    /// Leaves out other forms of the same answer, and what a model generated beside the answer that
    /// is right. Columns that grade what was generated are left out with it.
    List<String> answers(List<String> answers) {
        List<String> left = new ArrayList<>(answers);
        reduce(left, Narrowing::isVariant, "column \"%s\" is another form, and is left out");
        List<String> right = right(left);
        if (right.size() == 1) {
            left.removeIf(c -> !right.contains(c));
            List<String> generated =
                    draft.free().stream()
                            .filter(c -> !right.contains(c) && isGenerated(c, answers))
                            .toList();
            for (String column : generated) {
                draft.pass(column);
                draft.note(
                        "column \"%s\" is what a model generated, and is left out"
                                .formatted(column));
            }
            if (!generated.isEmpty()) {
                draft.free().stream().filter(this::grades).forEach(draft::pass);
            }
        }
        return left;
    }

    /// Those that are right by their names, where all others are a model's.
    private List<String> right(List<String> answers) {
        List<String> gold = answers.stream().filter(Narrowing::isGold).toList();
        boolean others =
                answers.stream()
                        .allMatch(
                                c ->
                                        gold.contains(c)
                                                || ColumnWords.has(c, "generated")
                                                || ColumnWords.split(c).size() == 1);
        return gold.isEmpty() ? plain(answers) : others ? gold : List.of();
    }

    /// The only answer that is named so and nothing else, where others are named as a model's
    /// answers: `answer` beside `answer_gpt4`.
    private List<String> plain(List<String> answers) {
        List<String> plain =
                answers.stream()
                        .filter(c -> ColumnWords.split(c).size() == 1)
                        .filter(c -> !ColumnWords.has(c, "generated"))
                        .toList();
        boolean models =
                draft.free().stream()
                        .filter(c -> !plain.contains(c))
                        .anyMatch(Narrowing::isModelAnswer);
        boolean others = answers.stream().allMatch(c -> plain.contains(c) || isModelAnswer(c));
        return models && others ? plain : List.of();
    }

    private static boolean isModelAnswer(String column) {
        return ColumnWords.split(column).size() > 1
                && ColumnWords.has(column, "generated")
                && ColumnWords.within(column).contains(ColumnRole.COMPLETION)
                && !ColumnWords.strong(column).contains(ColumnRole.IGNORE);
    }

    private static boolean isGold(String column) {
        return ColumnWords.has(column, "gold")
                || ColumnWords.strong(column).contains(ColumnRole.CHOSEN);
    }

    private boolean isGenerated(String column, List<String> answers) {
        boolean text = draft.columns().facts(column).kind() == ColumnFacts.Kind.TEXT;
        return answers.contains(column)
                || text
                        && ColumnWords.has(column, "generated")
                        && ColumnWords.strong(column).isEmpty();
    }

    /// What is to be like the answer, beside what a model answered and measures of both.
    List<String> references(List<String> answers) {
        boolean generated = answers.size() == 1 && ColumnWords.has(answers.getFirst(), "generated");
        boolean measured =
                draft.columns().columns().stream().anyMatch(c -> ColumnWords.has(c, "metric"));
        List<String> both = new ArrayList<>(answers);
        if (generated) {
            draft.free(draft.columns().strong(ColumnRole.CHOSEN)).stream()
                    .filter(c -> !both.contains(c))
                    .forEach(both::add);
        }
        if (generated && measured) {
            draft.columns().weak(ColumnRole.COMPLETION).stream()
                    .filter(c -> ColumnWords.is(c, "gold"))
                    .forEach(both::add);
        }
        return both;
    }

    private boolean grades(String column) {
        ColumnFacts facts = draft.columns().facts(column);
        return facts.kind() == ColumnFacts.Kind.NUMBER || facts.judges();
    }

    private boolean isCategory(String column) {
        return draft.columns().facts(column).kind() == ColumnFacts.Kind.CATEGORY
                && ColumnWords.split(column).size() > 1;
    }

    private static boolean isOfMedium(String column) {
        return ColumnWords.has(column, "medium");
    }

    private static boolean isVariant(String column) {
        return ColumnWords.has(column, "variant");
    }

    /// Takes some away, unless none would be left.
    private void reduce(List<String> columns, Predicate<String> less, String note) {
        List<String> out = columns.stream().filter(less).toList();
        if (columns.size() > 1 && out.size() < columns.size()) {
            columns.removeAll(out);
            out.forEach(draft::pass);
            out.forEach(c -> draft.note(note.formatted(c)));
        }
    }
}
