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
    private final Transcript transcript;

    /// @param transcript to the end of the turn
    Observer(EpisodeSetup setup, TurnDraft draft, Transcript transcript) {
        this.setup = setup;
        this.draft = draft;
        this.transcript = transcript;
    }

    /// Writes the draft's observation.
    ///
    /// @return why the episode ends instead; empty if it goes on
    Optional<EndReason> write() {
        OptionalInt most = setup.limits().maxResultTokens();
        if (most.isPresent()) {
            shorten(most.getAsInt());
        }
        draft.observation = tokens();
        if (setup.isTrl()) {
            return overlong();
        }
        TurnBudget.Room room = roomBehind();
        if (!room.isEmpty()) {
            return Optional.empty();
        }
        // What is left is shared by the answers and the turn that follows them.
        int left = room.most() + draft.observation.length;
        int share = left / 2 / Math.max(1, draft.answers.size());
        if (share >= 16) {
            shorten(share);
            draft.observation = tokens();
            room = roomBehind();
        }
        return room.isEmpty() ? Optional.of(room.end()) : Optional.empty();
    }

    /// TRL drops answers that leave no room, and goes on with a turn of no tokens where they fill
    /// it to the end.
    private Optional<EndReason> overlong() {
        int more = draft.observation.length;
        if (transcript.completionLength() + more > setup.maxCompletionLength()) {
            return Optional.of(EndReason.MAX_TOKENS);
        }
        return transcript.length() + more >= setup.context()
                ? Optional.of(EndReason.CONTEXT_FULL)
                : Optional.empty();
    }

    private TurnBudget.Room roomBehind() {
        int more = draft.observation.length;
        return setup.budget()
                .room(
                        transcript.length() + more,
                        transcript.completionLength() + more,
                        transcript.sampledTokens());
    }

    private int[] tokens() {
        return setup.format()
                .codec()
                .observation(draft.sampled.ids(), draft.parsed.calls(), draft.answers);
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
