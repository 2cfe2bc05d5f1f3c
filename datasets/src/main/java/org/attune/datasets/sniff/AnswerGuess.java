package org.attune.datasets.sniff;

import java.util.List;
import java.util.Optional;
import java.util.Set;

/// Finds questions and their answers, and what says how good an answer is.
record AnswerGuess(Draft draft) {
    /// Share of prompts with a question mark, from which on yes and no answer them.
    private static final double QUESTIONS = 0.6;

    /// Share of questions with a piece of their context in them, from which on it is no answer.
    private static final double ASKED = 0.3;

    /// Names of pieces of a context that are no answers, such as titles and quotes.
    private static final List<String> OTHERS =
            List.of("title", "origin", "beside", "sorting", "owner");

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
        if (prompts.isEmpty() && answers.size() == 1 && letters(answers.getFirst())) {
            return true;
        }
        Set<String> answer = Set.copyOf(answers);
        Optional<String> prompt =
                prompts.stream()
                        .findFirst()
                        .or(() -> draft.columns().only(ColumnRole.PROMPT, answer));
        if (answers.isEmpty() || prompt.isEmpty()) {
            return byNames(prompt, answers) || byContents(prompt, answers);
        }
        boolean weak = isWeak(prompt.get()) && isWeak(answers.getFirst());
        if (weak && byNames(prompt, answers)) {
            return true;
        }
        if (weak && isShort(prompt.get())) {
            return false; // words beside words, such as a table of settings
        }
        requireQuestion(prompt.get(), answers.getFirst());
        requireLonger(prompt.get(), answers.getFirst());
        draft.take(ColumnRole.PROMPT, prompt.get());
        draft.take(ColumnRole.COMPLETION, answers.getFirst());
        return true;
    }

    /// Takes letters and their answers: a letter is its subject and its body.
    private boolean letters(String answer) {
        List<String> subjects = named("subject");
        List<String> bodies = named("mail");
        boolean named = ColumnWords.strong(answer).contains(ColumnRole.COMPLETION);
        if (!named || subjects.size() != 1 || bodies.size() != 1) {
            return false;
        }
        draft.take(ColumnRole.PROMPT, subjects.getFirst());
        draft.take(ColumnRole.CONTEXT, bodies.getFirst());
        draft.take(ColumnRole.COMPLETION, answer);
        return true;
    }

    private List<String> named(String set) {
        return draft.free().stream()
                .filter(c -> ColumnWords.is(c, set))
                .filter(c -> draft.columns().facts(c).kind() == ColumnFacts.Kind.TEXT)
                .toList();
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
            answers =
                    draft.free(columns.strong(ColumnRole.CHOSEN)).stream()
                            .filter(c -> !ColumnWords.is(c, "sign"))
                            .toList();
        }
        if (answers.isEmpty()) {
            answers = yesOrNo();
        }
        if (answers.isEmpty()) {
            answers = marked();
        }
        return narrowing.answers(narrowing.references(answers));
    }

    /// The only texts that are pieces of what questions are about, and not of the questions, as
    /// titles are.
    private List<String> marked() {
        List<String> contexts = draft.columns().strong(ColumnRole.CONTEXT);
        List<String> prompts = draft.columns().strong(ColumnRole.PROMPT);
        if (contexts.size() != 1 || prompts.size() != 1) {
            return List.of();
        }
        var extracts = new Extracts(draft.table());
        List<String> pieces =
                draft.free().stream()
                        .filter(c -> ColumnCandidates.isTextual(draft.columns().facts(c)))
                        .filter(c -> ColumnWords.strong(c).isEmpty())
                        .filter(c -> OTHERS.stream().noneMatch(set -> ColumnWords.has(c, set)))
                        .filter(c -> extracts.areOf(c, contexts.getFirst()))
                        .filter(c -> extracts.share(c, prompts.getFirst()) < ASKED)
                        .toList();
        return pieces.size() == 1 ? pieces : List.of();
    }

    /// A column that is named as the answer and says yes or no to questions.
    private List<String> yesOrNo() {
        List<String> prompts = draft.columns().strong(ColumnRole.PROMPT);
        boolean asked =
                prompts.size() == 1
                        && draft.columns().facts(prompts.getFirst()).questions() >= QUESTIONS;
        return !asked
                ? List.of()
                : draft.free().stream()
                        .filter(c -> ColumnWords.strong(c).contains(ColumnRole.COMPLETION))
                        .filter(c -> draft.columns().facts(c).judges())
                        .filter(
                                c ->
                                        draft.columns().facts(c).values().stream()
                                                .noneMatch(v -> v.matches("[-+0-9.]+")))
                        .toList();
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

    /// Names that say it together.
    private boolean byNames(Optional<String> prompt, List<String> answers) {
        return NamedPair.of(draft).filter(pair -> take(prompt, answers, pair)).isPresent();
    }

    /// Takes a pair, unless it differs from what names alone say.
    private boolean take(Optional<String> prompt, List<String> answers, NamedPair pair) {
        boolean agrees =
                (prompt.isEmpty() || prompt.get().equals(pair.asks()))
                        && (answers.isEmpty() || answers.getFirst().equals(pair.tells()));
        if (agrees) {
            draft.take(ColumnRole.PROMPT, pair.asks());
            draft.take(ColumnRole.COMPLETION, pair.tells());
        }
        return agrees;
    }

    /// A title isn't what a summary was made from.
    private void requireLonger(String prompt, String answer) {
        boolean title = ColumnWords.strong(prompt).isEmpty() && ColumnWords.has(prompt, "title");
        boolean longer =
                draft.columns().facts(answer).letters() > draft.columns().facts(prompt).letters();
        if (title && longer && ColumnWords.strong(answer).isEmpty()) {
            throw draft.unclear(
                    "column \"%s\" holds titles, and \"%s\" is longer: it isn't clear which is to be written from which"
                            .formatted(prompt, answer));
        }
    }

    /// Where a name is missing: what the columns hold decides, unless it differs from the names.
    private boolean byContents(Optional<String> prompt, List<String> answers) {
        Optional<PairEvidence.Pair> pair = new PairEvidence(draft).best();
        if (pair.isEmpty()) {
            return false;
        }
        var names = new NamedPair(pair.get().asks().name(), pair.get().tells().name());
        boolean taken = take(prompt, answers, names);
        if (taken) {
            draft.note(pair.get().words());
        }
        return taken;
    }

    /// Whether no answer is bad, and hardly any prompt has several to compare.
    private boolean areAllGood(String rating) {
        String prompt = draft.roles().get(ColumnRole.PROMPT).getFirst();
        boolean once = draft.columns().facts(prompt).different() * 2 > draft.table().rows().size();
        return once && RatedRows.areGood(draft.columns().facts(rating));
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
        if (ratings.size() == 1 && areAllGood(ratings.getFirst())) {
            draft.pass(ratings.getFirst());
            draft.note(
                    "column \"%s\" rates all answers as good, and is left out"
                            .formatted(ratings.getFirst()));
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
