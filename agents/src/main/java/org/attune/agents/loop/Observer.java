package org.attune.agents.loop;

import org.attune.episode.EndReason;
import org.attune.episode.ToolOutcome;
import org.attune.text.Message;
import org.attune.text.Tokenizer;

import java.util.LinkedHashMap;
import java.util.Optional;
import java.util.OptionalInt;

/// Makes tokens of what the world answered to a turn, so that another turn fits behind them.
final class Observer {
    private final EpisodeSetup setup;
    private final TurnDraft draft;
    private final Dialogue dialogue;
    private Dialogue.Next next;

    /// @param dialogue to the end of the turn
    Observer(EpisodeSetup setup, TurnDraft draft, Dialogue dialogue) {
        this.setup = setup;
        this.draft = draft;
        this.dialogue = dialogue;
    }

    /// How tokens go on, after [#write].
    Dialogue.Next next() {
        return next;
    }

    /// Finds how tokens go on.
    ///
    /// @return why the episode ends instead; empty if it goes on
    Optional<EndReason> write() {
        OptionalInt most = setup.limits().maxResultTokens();
        if (most.isPresent()) {
            shorten(most.getAsInt());
        }
        next = dialogue.next(draft);
        if (setup.isTrl()) {
            return overlong();
        }
        TurnBudget.Room room = dialogue.room(next);
        if (!room.isEmpty()) {
            return Optional.empty();
        }
        // What is left is shared by the answers and the turn that follows them.
        int left = dialogue.room().most();
        int share = left / 2 / Math.max(1, draft.answers.size());
        if (share >= 16) {
            shorten(share);
            next = dialogue.next(draft);
            room = dialogue.room(next);
        }
        return room.isEmpty() ? Optional.of(room.end()) : Optional.empty();
    }

    /// TRL drops answers that leave no room, and goes on with a turn of no tokens where they fill
    /// it to the end.
    private Optional<EndReason> overlong() {
        int length = dialogue.length(next);
        if (length - dialogue.promptIds().length > setup.maxCompletionLength()) {
            return Optional.of(EndReason.MAX_TOKENS);
        }
        return length >= setup.context() ? Optional.of(EndReason.CONTEXT_FULL) : Optional.empty();
    }

    private void shorten(int most) {
        Tokenizer tokenizer = setup.format().chat().tokenizer();
        draft.outcomes =
                draft.outcomes.stream()
                        .map(
                                o ->
                                        new ToolOutcome(
                                                o.call(),
                                                o.kind(),
                                                ShortText.shortened(o.text(), most, tokenizer),
                                                o.nanos()))
                        .toList();
        draft.answers =
                draft.answers.stream().map(answer -> shortened(answer, most, tokenizer)).toList();
    }

    private static Message shortened(Message answer, int most, Tokenizer tokenizer) {
        if (!(answer.fields().get("content") instanceof String text)) {
            return answer;
        }
        var fields = new LinkedHashMap<>(answer.fields());
        fields.put("content", ShortText.shortened(text, most, tokenizer));
        return new Message(fields);
    }
}
