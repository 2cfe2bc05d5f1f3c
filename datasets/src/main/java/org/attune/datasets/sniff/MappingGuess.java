package org.attune.datasets.sniff;

import java.util.List;
import java.util.Map;
import java.util.Set;

/// Finds out what a table's columns are for, by their names and by what they hold. A table that can
/// be read in two ways is refused with the options that settle it.
public final class MappingGuess {
    private final Draft draft;

    private MappingGuess(SniffedTable table, Set<String> without) {
        draft = new Draft(table, without);
    }

    /// The mapping of a table.
    ///
    /// @param without columns that are to be left out
    /// @throws UnclearTableException if the table can be read in several ways, or in none
    public static TableMapping of(SniffedTable table, Set<String> without) {
        return new MappingGuess(table, without).guess();
    }

    /// The mapping that options say; all other columns are left out.
    ///
    /// @param given columns by role
    /// @throws UnclearTableException if they make no rows
    public static TableMapping given(SniffedTable table, Map<ColumnRole, List<String>> given) {
        var guess = new MappingGuess(table, Set.of());
        given.forEach((role, names) -> names.forEach(name -> guess.draft.take(role, name)));
        return guess.checked(guess.kindOfRoles());
    }

    private TableMapping.Kind kindOfRoles() {
        boolean prompt = draft.has(ColumnRole.PROMPT);
        if (draft.has(ColumnRole.MESSAGES)) {
            return TableMapping.Kind.CHAT;
        }
        if (draft.has(ColumnRole.CHOSEN) && draft.has(ColumnRole.REJECTED)) {
            return TableMapping.Kind.PAIR;
        }
        int answers = draft.roles().getOrDefault(ColumnRole.COMPLETION, List.of()).size();
        if (prompt && answers == 2 && draft.has(ColumnRole.WINNER)) {
            return TableMapping.Kind.JUDGED_PAIR;
        }
        if (prompt && answers == 1 && draft.has(ColumnRole.CHOICE)) {
            return TableMapping.Kind.CHOICES;
        }
        if (prompt && answers == 1) {
            return kindOfAnswers();
        }
        if (draft.has(ColumnRole.TEXT) && draft.roles().size() == 1) {
            return TableMapping.Kind.TEXT;
        }
        throw draft.unclear("the options name no rows that can be trained on");
    }

    private TableMapping.Kind kindOfAnswers() {
        if (draft.has(ColumnRole.LABEL)) {
            return TableMapping.Kind.LABELLED;
        }
        if (draft.has(ColumnRole.RATING)) {
            return TableMapping.Kind.RATED;
        }
        return new ClassGuess(draft).answersRecur()
                ? TableMapping.Kind.CLASSES
                : TableMapping.Kind.INSTRUCTION;
    }

    private TableMapping guess() {
        TableMapping.Kind kind = kind();
        var leftovers = new Leftovers(draft);
        leftovers.requireTexts(kind);
        leftovers.extras(kind);
        leftovers.require(kind);
        return checked(kind);
    }

    private TableMapping checked(TableMapping.Kind kind) {
        return MappingCheck.checked(draft.table(), draft.columns(), draft.mapping(kind));
    }

    private TableMapping.Kind kind() {
        var conversations = new ConversationGuess(draft);
        var preferences = new PreferenceGuess(draft);
        var answers = new AnswerGuess(draft);
        if (conversations.messageRows()) {
            return TableMapping.Kind.CHAT_ROWS;
        }
        if (new ChoiceGuess(draft).choices()) {
            return TableMapping.Kind.CHOICES;
        }
        if (preferences.pairs()) {
            return TableMapping.Kind.PAIR;
        }
        if (preferences.judgedPairs()) {
            return TableMapping.Kind.JUDGED_PAIR;
        }
        if (conversations.chat()) {
            return TableMapping.Kind.CHAT;
        }
        if (answers.answers()) {
            var classes = new ClassGuess(draft);
            return classes.isClassified() ? classes.taken() : answers.judged();
        }
        if (new ClassGuess(draft).classes()) {
            return TableMapping.Kind.CLASSES;
        }
        if (new SideBySide(draft).pair()) {
            return TableMapping.Kind.INSTRUCTION;
        }
        if (new TextGuess(draft).text()) {
            return TableMapping.Kind.TEXT;
        }
        throw draft.unclear("the columns don't say which is which");
    }
}
