package org.attune.datasets.sniff;

import java.util.List;
import java.util.Optional;
import java.util.Set;

/// Finds questions and their answers, and what says how good an answer is.
record AnswerGuess(Draft draft) {
    /// Takes a question and its answer.
    ///
    /// @throws UnclearTableException if several columns may be one of them
    boolean answers() {
        List<String> answers = answerColumns();
        List<String> prompts =
                new Narrowing(draft).prompts(draft.free(draft.columns().strong(ColumnRole.PROMPT)));
        if (answers.size() > 1) {
            throw draft.unclear("several columns may be the answer: " + Draft.quoted(answers));
        }
        if (prompts.size() > 1) {
            throw draft.unclear("several columns may be the question: " + Draft.quoted(prompts));
        }
        Set<String> answer = Set.copyOf(answers);
        Optional<String> prompt =
                prompts.stream()
                        .findFirst()
                        .or(() -> draft.columns().only(ColumnRole.PROMPT, answer));
        if (answers.isEmpty() || prompt.isEmpty()) {
            return byContents(prompt, answers);
        }
        if (isShort(prompt.get()) && isWeak(prompt.get()) && isWeak(answers.getFirst())) {
            return false; // words beside words, such as a table of settings
        }
        requireQuestion(prompt.get(), answers.getFirst());
        draft.take(ColumnRole.PROMPT, prompt.get());
        draft.take(ColumnRole.COMPLETION, answers.getFirst());
        return true;
    }

    private boolean isShort(String column) {
        ColumnFacts facts = draft.columns().facts(column);
        return facts.kind() != ColumnFacts.Kind.TEXT || facts.holdsWords();
    }

    private static boolean isWeak(String column) {
        return ColumnWords.strong(column).isEmpty() && ColumnWords.loose(column).isEmpty();
    }

    private List<String> answerColumns() {
        ColumnCandidates columns = draft.columns();
        var narrowing = new Narrowing(draft);
        List<String> answers = draft.free(columns.strong(ColumnRole.COMPLETION));
        if (answers.isEmpty()) {
            answers = draft.free(columns.loose(ColumnRole.COMPLETION));
        }
        if (answers.isEmpty()) {
            answers = draft.free(columns.weak(ColumnRole.COMPLETION));
        }
        if (answers.isEmpty()) {
            answers = draft.free(columns.strong(ColumnRole.CHOSEN));
        }
        return narrowing.answers(narrowing.references(answers));
    }

    /// What an answer was found in is no question.
    private void requireQuestion(String prompt, String answer) {
        boolean about =
                ColumnWords.strong(prompt).contains(ColumnRole.CONTEXT)
                        && !ColumnWords.strong(prompt).contains(ColumnRole.PROMPT);
        if (about && ColumnWords.strong(answer).contains(ColumnRole.COMPLETION)) {
            throw draft.unclear(
                    "column \"%s\" is what answers are about, and no column holds their questions"
                            .formatted(prompt));
        }
    }

    /// Where a name is missing: what the columns hold decides, unless it differs from the names.
    private boolean byContents(Optional<String> prompt, List<String> answers) {
        Optional<PairEvidence.Pair> pair = new PairEvidence(draft).best();
        if (pair.isEmpty()) {
            return false;
        }
        String asks = pair.get().asks().name();
        String tells = pair.get().tells().name();
        boolean agrees =
                (prompt.isEmpty() || prompt.get().equals(asks))
                        && (answers.isEmpty() || answers.getFirst().equals(tells));
        if (agrees) {
            draft.take(ColumnRole.PROMPT, asks);
            draft.take(ColumnRole.COMPLETION, tells);
            draft.note(pair.get().words());
        }
        return agrees;
    }

    /// What says how good the answers are.
    TableMapping.Kind judged() {
        List<String> labels = draft.free(draft.columns().strong(ColumnRole.LABEL));
        if (labels.isEmpty()) {
            labels =
                    draft.free().stream()
                            .filter(
                                    c ->
                                            draft.columns().facts(c).judges()
                                                    && !draft.columns().facts(c).isBare())
                            .toList();
        }
        List<String> ratings = draft.free(draft.columns().strong(ColumnRole.RATING));
        List<String> ranks = draft.free(draft.columns().strong(ColumnRole.RANK));
        if (labels.isEmpty()
                && ratings.size() == 1
                && draft.columns().facts(ratings.getFirst()).judges()) {
            labels = ratings; // 0 and 1
            ratings = List.of();
        }
        if (labels.size() + ratings.size() + ranks.size() > 1) {
            throw draft.unclear(
                    "several columns may say how good an answer is: "
                            + Draft.quoted(labels)
                            + " "
                            + Draft.quoted(ratings)
                            + " "
                            + Draft.quoted(ranks));
        }
        if (labels.size() == 1) {
            draft.take(ColumnRole.LABEL, labels.getFirst());
            return TableMapping.Kind.LABELLED;
        }
        if (ratings.size() == 1) {
            draft.take(ColumnRole.RATING, ratings.getFirst());
            return TableMapping.Kind.RATED;
        }
        if (ranks.size() == 1) {
            draft.take(ColumnRole.RANK, ranks.getFirst());
            return TableMapping.Kind.RATED;
        }
        return TableMapping.Kind.INSTRUCTION;
    }
}
