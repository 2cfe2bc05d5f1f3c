package org.attune.episode;

import static org.attune.api.Api.Status.STABLE;

import org.attune.api.Api;
import org.attune.text.Message;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

/// An episode that has ended. Tokens are what was sampled and observed, in order; nothing is ever
/// tokenised again. A named tuple: equality is identity of the arrays.
///
/// @param start what it began with
/// @param prompt its messages, what the environment added at the start included
/// @param promptIds tokens of the prompt
/// @param turns in order
/// @param end why it ended
/// @param rewards of environments by name, as `Counter`; a value that is empty says "no reward"
/// @param state of the environment at the end, for functions of rewards and for records; JSON
///     values
@Api(STABLE)
@SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
public record Episode(
        EpisodeStart start,
        List<Message> prompt,
        int[] promptIds,
        List<Turn> turns,
        EndReason end,
        Map<String, OptionalDouble> rewards,
        Map<String, Object> state) {
    public Episode {
        prompt = List.copyOf(prompt);
        turns = List.copyOf(turns);
        rewards = Collections.unmodifiableMap(new LinkedHashMap<>(rewards));
        state = Collections.unmodifiableMap(new LinkedHashMap<>(state));
    }

    /// Sequences that train: one of each conversation. Where a conversation's history was rendered
    /// anew, a turn that doesn't follow the tokens so far begins another.
    public List<EpisodeRow> rows() {
        if (!isForked()) {
            return sampledTokens() == 0
                    ? List.of()
                    : List.of(new EpisodeRow(promptIds, completionIds(), logProbs(), foreign()));
        }
        List<EpisodeRow> rows = new ArrayList<>();
        int last = turns.stream().mapToInt(Turn::conversation).max().orElse(0);
        for (int conversation = 0; conversation <= last; conversation++) {
            rows.addAll(rows(conversation));
        }
        return rows;
    }

    private List<EpisodeRow> rows(int conversation) {
        var rows = new ConversationRows(0);
        int[] context = promptIds;
        for (Turn turn : turns) {
            if (turn.conversation() != conversation) {
                continue;
            }
            context = turn.context().orElse(context);
            rows.add(context, turn.ids(), turn.logProbs());
            int own = context.length + turn.ids().length;
            context = Arrays.copyOf(context, own + turn.observation().length);
            System.arraycopy(turn.ids(), 0, context, own - turn.ids().length, turn.ids().length);
            System.arraycopy(turn.observation(), 0, context, own, turn.observation().length);
        }
        return rows.rows();
    }

    /// Tokens behind the prompt of the conversation that has most of them.
    public int longestConversation() {
        return rows().stream().mapToInt(row -> row.ids().length).max().orElse(0);
    }

    /// Whether several roles may speak, each in separate conversations.
    public boolean hasRoles() {
        return turns.stream().anyMatch(turn -> !turn.role().isEmpty());
    }

    /// Whether turns don't follow each other in one sequence: then [#rows] has the sequences, and
    /// [#completionIds] is none.
    public boolean isForked() {
        return turns.stream().anyMatch(turn -> turn.context().isPresent());
    }

    /// Tokens after the prompt: each turn's own, then its observation, `(T)`.
    public int[] completionIds() {
        int[] ids = new int[length()];
        int at = 0;
        for (Turn turn : turns) {
            System.arraycopy(turn.ids(), 0, ids, at, turn.ids().length);
            at += turn.ids().length;
            System.arraycopy(turn.observation(), 0, ids, at, turn.observation().length);
            at += turn.observation().length;
        }
        return ids;
    }

    /// Log-probability of each token after the prompt under the sampler, `(T)`; 0 where the token
    /// is not the model's own.
    public float[] logProbs() {
        float[] all = new float[length()];
        int at = 0;
        for (Turn turn : turns) {
            System.arraycopy(turn.logProbs(), 0, all, at, turn.logProbs().length);
            at += turn.ids().length + turn.observation().length;
        }
        return all;
    }

    /// Where a token after the prompt is not the model's own.
    public BitSet foreign() {
        var foreign = new BitSet();
        int at = 0;
        for (Turn turn : turns) {
            at += turn.ids().length;
            foreign.set(at, at + turn.observation().length);
            at += turn.observation().length;
        }
        return foreign;
    }

    /// The first own token of each turn, counted from the end of the prompt.
    public int[] turnStarts() {
        int[] starts = new int[turns.size()];
        int at = 0;
        for (int i = 0; i < starts.length; i++) {
            starts[i] = at;
            at += turns.get(i).ids().length + turns.get(i).observation().length;
        }
        return starts;
    }

    /// Tokens after the prompt, `T`.
    public int length() {
        return turns.stream().mapToInt(t -> t.ids().length + t.observation().length).sum();
    }

    /// Tokens of the model's own.
    public int sampledTokens() {
        return turns.stream().mapToInt(t -> t.ids().length).sum();
    }

    /// Messages after the prompt: what each turn says, then the answers to it.
    public List<Message> messages() {
        List<Message> messages = new ArrayList<>();
        for (Turn turn : turns) {
            turn.parsed().ifPresent(p -> messages.add(p.message()));
            messages.addAll(turn.answers());
        }
        return messages;
    }
}
