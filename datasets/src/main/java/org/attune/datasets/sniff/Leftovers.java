package org.attune.datasets.sniff;

import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/// Columns beside those that make the rows: some belong to the question, some don't matter, and
/// some put the mapping in doubt.
record Leftovers(Draft draft) {
    private static final double QUESTIONS = 0.5;
    private static final double RECURS = 0.5;

    /// Mean words of a remark at most.
    private static final int REMARK = 4;

    /// Words of a title at most.
    private static final int TITLE = 12;

    /// Mean length, in characters, from which on a text may be what a question is about.
    private static final int LONG = 40;

    /// Answers that are letters name choices; without these they say nothing.
    void requireTexts(TableMapping.Kind kind) {
        if (kind != TableMapping.Kind.INSTRUCTION) {
            return;
        }
        String answer = draft.roles().get(ColumnRole.COMPLETION).getFirst();
        List<String> choices = draft.free().stream().filter(this::mayBeChoice).toList();
        if (choices.size() > 1
                && draft.columns().facts(answer).values().stream()
                        .allMatch(v -> v.matches("\\W?[A-Ha-h]\\W?"))) {
            throw draft.unclear(
                    "column \"%s\" holds letters of choices, and it isn't clear which columns hold the choices; these may: %s"
                            .formatted(answer, Draft.quoted(choices)),
                    "if they do: --prompt COL --choice COL --choice COL … --response "
                            + TableMapping.quoted(answer));
        }
    }

    private boolean mayBeChoice(String column) {
        return ColumnWords.has(column, "choice")
                && ColumnCandidates.isTextual(draft.columns().facts(column))
                && !ColumnWords.strong(column).contains(ColumnRole.IGNORE)
                && !ColumnWords.has(column, "beside");
    }

    /// System prompts and what questions are about; beside texts that are no questions, notes on
    /// them would give their classes away.
    void extras(TableMapping.Kind kind) {
        if (kind == TableMapping.Kind.TEXT
                || kind == TableMapping.Kind.CLASSES && !isNamed(ColumnRole.PROMPT)
                || kind == TableMapping.Kind.CHAT
                || kind == TableMapping.Kind.CHAT_ROWS) {
            return;
        }
        List<String> systems = draft.free(draft.columns().strong(ColumnRole.SYSTEM));
        if (systems.size() == 1) {
            draft.take(ColumnRole.SYSTEM, systems.getFirst());
        }
        List<String> contexts =
                kind == TableMapping.Kind.CLASSES
                        ? draft.free(draft.columns().strong(ColumnRole.CONTEXT))
                        : contexts();
        if (contexts.size() == 1) {
            draft.take(ColumnRole.CONTEXT, contexts.getFirst());
        }
    }

    /// What questions are about, by the whole name, else as Alpaca's `input`, else by a word in it.
    private List<String> contexts() {
        List<String> named =
                draft.free(draft.columns().strong(ColumnRole.CONTEXT)).stream()
                        .filter(c -> !tellsAnswer(c))
                        .toList();
        if (!named.isEmpty()) {
            return right(named);
        }
        List<String> inputs =
                draft.free().stream().filter(c -> ColumnWords.normal(c).equals("input")).toList();
        return inputs.isEmpty() ? draft.free().stream().filter(this::isAbout).toList() : inputs;
    }

    /// What questions were made from, where all else is what was retrieved for them.
    private List<String> right(List<String> contexts) {
        List<String> right = contexts.stream().filter(c -> ColumnWords.has(c, "gold")).toList();
        List<String> others = contexts.stream().filter(c -> !right.contains(c)).toList();
        if (right.size() != 1 || !others.stream().allMatch(c -> ColumnWords.has(c, "generated"))) {
            return contexts;
        }
        others.forEach(draft::pass);
        return right;
    }

    private boolean isAbout(String column) {
        ColumnFacts facts = draft.columns().facts(column);
        List<String> prompt = draft.roles().getOrDefault(ColumnRole.PROMPT, List.of());
        boolean asked =
                prompt.stream()
                        .anyMatch(
                                p ->
                                        draft.columns().facts(p).questions() >= QUESTIONS
                                                || !ColumnWords.has(p, "instructing"));
        return asked
                && facts.kind() == ColumnFacts.Kind.TEXT
                && facts.letters() >= LONG
                && (ColumnWords.has(column, "context")
                        || ColumnWords.has(column, "sentence") && isQuoted(column))
                && !ColumnWords.strong(column).contains(ColumnRole.IGNORE)
                && !ColumnWords.has(column, "beside")
                && !tellsAnswer(column);
    }

    private boolean isQuoted(String column) {
        var extracts = new Extracts(draft.table());
        return draft.roles().getOrDefault(ColumnRole.COMPLETION, List.of()).stream()
                .anyMatch(answer -> extracts.areOf(answer, column));
    }

    /// Whether it holds the question and its answer: as a context it would give the answer away.
    private boolean tellsAnswer(String column) {
        return new Repetition(draft.table(), draft.roles()).rendersRows(column);
    }

    /// Whether the name says that it explains or proves an answer, holds further ones, or is
    /// another form of a column that was taken.
    private boolean isBeside(String column) {
        Optional<String> what = beside(column);
        what.ifPresent(w -> draft.note("column \"%s\" %s, and is left out".formatted(column, w)));
        return what.isPresent();
    }

    private static Optional<String> beside(String column) {
        String last =
                ColumnWords.split(column).stream()
                        .filter(word -> !word.matches("\\p{N}+"))
                        .reduce("", (_, word) -> word);
        boolean right = ColumnWords.has(column, "wrong") || ColumnWords.has(column, "gold");
        if (ColumnWords.has(last, "list") && right) {
            return Optional.of("holds further answers");
        }
        if (ColumnWords.has(last, "beside")) {
            return Optional.of("is about the answer");
        }
        Set<ColumnRole> roles = ColumnWords.within(column);
        boolean said = roles.contains(ColumnRole.PROMPT) || roles.contains(ColumnRole.COMPLETION);
        return said && ColumnWords.has(column, "variant")
                ? Optional.of("is another form")
                : Optional.empty();
    }

    /// Columns that are left must be of no weight.
    void require(TableMapping.Kind kind) {
        boolean numbers =
                kind != TableMapping.Kind.PAIR
                        && kind != TableMapping.Kind.JUDGED_PAIR
                        && kind != TableMapping.Kind.CHOICES;
        boolean answered = draft.has(ColumnRole.PROMPT);
        List<String> loud =
                draft.free().stream()
                        .filter(c -> isLoud(c, kind))
                        .filter(c -> !answered || !isBeside(c))
                        .filter(c -> numbers || !isNumber(c))
                        .filter(c -> !draft.columns().sortsQuestions(draft.columns().facts(c)))
                        .filter(c -> !answered || !isProperty(c))
                        .filter(c -> kind != TableMapping.Kind.CHOICES || !sortsRows(c))
                        .filter(c -> !isRight(kind) || !isFlag(c) && !isBehind(c))
                        .filter(c -> !isNamedPair(kind) || !isRemark(c))
                        .filter(c -> kind != TableMapping.Kind.PAIR || !isBehind(c))
                        .toList();
        if (!loud.isEmpty()) {
            String with = draft.mapping(kind).options();
            throw draft.unclear(
                    "it isn't clear what %s hold%s"
                            .formatted(Draft.quoted(loud), loud.size() == 1 ? "s" : ""),
                    "to leave %s out: %s"
                            .formatted(
                                    loud.size() == 1 ? "it" : "them",
                                    loud.stream()
                                            .map(c -> "--ignore " + TableMapping.quoted(c))
                                            .collect(Collectors.joining(" "))),
                    "this would be taken: " + with);
        }
    }

    private boolean isLoud(String column, TableMapping.Kind kind) {
        boolean idle = draft.columns().isIdle(column) || repeats(column);
        return !idle || !isNamedPair(kind) && saysBad(draft.columns().facts(column));
    }

    /// Whether it says of all rows that they are bad, as of texts that don't belong together.
    private static boolean saysBad(ColumnFacts column) {
        return column.different() == 1
                && ColumnWords.strong(column.name()).contains(ColumnRole.LABEL)
                && column.values().stream()
                        .anyMatch(v -> Judgement.of(v).filter(good -> !good).isPresent());
    }

    /// Whether the answer is the right one by its name or as a choice, so that no other column can
    /// say that it is wrong.
    private boolean isRight(TableMapping.Kind kind) {
        return kind == TableMapping.Kind.CHOICES
                || draft.roles().getOrDefault(ColumnRole.COMPLETION, List.of()).stream()
                        .anyMatch(c -> ColumnWords.has(c, "gold"));
    }

    /// Whether questions of a quiz are sorted by it: a few texts that recur, as a chapter's name.
    private boolean sortsRows(String column) {
        ColumnFacts facts = draft.columns().facts(column);
        boolean recurs = facts.different() <= RECURS * facts.filled() * draft.table().rows().size();
        return !ColumnWords.isKnown(column) && facts.words() <= TITLE && recurs;
    }

    /// Whether a text without a known name stands behind the right answer, where people write what
    /// is to be said about it, rather than what is needed to find it.
    private boolean isBehind(String column) {
        List<String> columns = draft.table().columns();
        boolean behind =
                draft.taken().stream().allMatch(c -> columns.indexOf(c) < columns.indexOf(column));
        boolean text =
                draft.columns().facts(column).kind() == ColumnFacts.Kind.TEXT
                        && !ColumnWords.isKnown(column);
        if (behind && text) {
            draft.note("column \"%s\" stands behind the answer, and is left out".formatted(column));
        }
        return behind && text;
    }

    /// Whether it says what a question has or needs, as `requires_image`, and nothing of answers.
    private boolean isProperty(String column) {
        List<String> words = ColumnWords.split(column);
        return words.size() > 1
                && ColumnWords.has(words.getFirst(), "property")
                && draft.columns().facts(column).isBare()
                && words.stream().skip(1).noneMatch(Leftovers::judges);
    }

    /// Whether a word may speak of how good something is.
    private static boolean judges(String word) {
        return ColumnWords.isKnown(word)
                || ColumnWords.has(word, "doubt")
                || ColumnWords.has(word, "fault")
                || Judgement.of(word).isPresent();
    }

    /// Whether question and answer are named so.
    private boolean isNamedPair(TableMapping.Kind kind) {
        return kind == TableMapping.Kind.INSTRUCTION
                && isNamed(ColumnRole.PROMPT)
                && isNamed(ColumnRole.COMPLETION);
    }

    private boolean isNamed(ColumnRole role) {
        return draft.roles().getOrDefault(role, List.of()).stream()
                .allMatch(c -> ColumnWords.strong(c).contains(role));
    }

    /// Whether it holds a few words under a name that isn't known, such as a topic or a place.
    private boolean isRemark(String column) {
        ColumnFacts facts = draft.columns().facts(column);
        return facts.kind() == ColumnFacts.Kind.TEXT
                && facts.words() <= REMARK
                && (facts.holdsWords()
                        || facts.letters() < LONG && (facts.words() >= 2 || isSlug(facts)))
                && !ColumnWords.isKnown(column)
                && ColumnWords.within(column).isEmpty()
                && !ColumnWords.has(column, "choice");
    }

    /// Whether its values are written as identities, as `maximum_likelihood`.
    private static boolean isSlug(ColumnFacts column) {
        return column.values().stream().allMatch(v -> v.matches("[a-zA-Z0-9_.-]+"));
    }

    /// Whether a column without a known name holds numbers or truth values.
    private boolean isFlag(String column) {
        return ColumnWords.strong(column).isEmpty()
                && (isNumber(column) || draft.columns().facts(column).judges());
    }

    private boolean isNumber(String column) {
        return draft.columns().facts(column).kind() == ColumnFacts.Kind.NUMBER;
    }

    private boolean repeats(String column) {
        Optional<String> what = new Repetition(draft.table(), draft.roles()).of(column);
        what.ifPresent(draft::note);
        return what.isPresent();
    }
}
