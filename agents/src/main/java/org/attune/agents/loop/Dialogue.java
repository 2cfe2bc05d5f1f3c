package org.attune.agents.loop;

import org.attune.agents.environment.Opening;
import org.attune.error.DatasetException;
import org.attune.error.RolloutException;
import org.attune.text.ChatTemplate.Tail;
import org.attune.text.ChatTokenizer;
import org.attune.text.Conversation;
import org.attune.text.Message;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;

/// The messages and the tokens of an episode so far. On the episode's thread.
final class Dialogue {
    private static final int[] NOTHING = {};

    private final EpisodeSetup setup;
    private final List<Object> tools;
    private final List<Message> prompt;
    private final int[] promptIds;
    private final List<Message> messages; // the prompt's and those after it
    private final Transcript transcript;

    /// How tokens go on behind a turn.
    ///
    /// @param observation tokens that are appended
    /// @param context all tokens instead, if they don't begin with those so far
    @SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
    record Next(int[] observation, Optional<int[]> context) {}

    /// @param prompt messages of the prompt
    /// @param tools as templates take them
    /// @param ids tokens of the prompt, if it isn't to be rendered
    Dialogue(EpisodeSetup setup, List<Message> prompt, List<Object> tools, Optional<int[]> ids) {
        this.setup = setup;
        this.prompt = List.copyOf(prompt);
        this.tools = List.copyOf(tools);
        messages = new ArrayList<>(prompt);
        promptIds = ids.orElseGet(() -> rendered(List.of()));
        transcript = new Transcript(promptIds);
    }

    /// A prompt with what an environment adds to it.
    static List<Message> opened(List<Message> prompt, Opening opening) {
        List<Message> messages = new ArrayList<>(prompt);
        if (opening.toLast().isPresent() && !messages.isEmpty()) {
            Message last = messages.removeLast();
            var fields = new LinkedHashMap<>(last.fields());
            fields.put("content", last.content() + opening.toLast().get());
            messages.add(new Message(fields));
        }
        messages.addAll(opening.messages());
        return messages;
    }

    private int[] rendered(List<Message> more) {
        EpisodeFormat format = setup.format();
        boolean isPrompt = more.isEmpty();
        ChatTokenizer chat = isPrompt ? format.chat() : format.chat().sanitizingAnswers();
        List<Message> all = new ArrayList<>(messages);
        all.addAll(more);
        if (all.isEmpty()) {
            throw new RolloutException(
                    "a prompt is a plain text, which can't tell a model of tools or of what an"
                            + " environment says; accepted: a list of messages");
        }
        var conversation = new Conversation(all, tools, format.variables());
        return chat.encode(conversation, Tail.GENERATION_PROMPT).ids();
    }

    List<Message> prompt() {
        return prompt;
    }

    int[] promptIds() {
        return promptIds;
    }

    List<Object> tools() {
        return tools;
    }

    /// All tokens that the next turn follows.
    int[] ids() {
        return transcript.ids();
    }

    /// Where draws of a row that begins now go on.
    int drawn() {
        return transcript.drawn();
    }

    /// Appends a turn's tokens.
    void sampled(int[] own) {
        transcript.sampled(own);
    }

    /// How tokens go on behind a turn that was appended.
    Next next(TurnDraft draft) {
        if (setup.config().history() == History.TOKENS) {
            return new Next(observation(draft), Optional.empty());
        }
        List<Message> more = new ArrayList<>();
        more.add(draft.parsed.message());
        more.addAll(draft.answers);
        int[] whole;
        try {
            whole = rendered(more);
        } catch (DatasetException e) {
            return new Next(observation(draft, e), Optional.empty());
        }
        return transcript
                .behind(whole)
                .map(observation -> new Next(observation, Optional.empty()))
                .orElseGet(() -> new Next(NOTHING, Optional.of(whole)));
    }

    private int[] observation(TurnDraft draft) {
        return setup.format()
                .codec()
                .observation(draft.sampled.ids(), draft.parsed.calls(), draft.answers);
    }

    /// What the model wrote may be what its template can't write, as Llama's leaves out a text
    /// beside a call. Then the turn stays as it was sampled.
    private int[] observation(TurnDraft draft, DatasetException refusal) {
        try {
            return observation(draft);
        } catch (DatasetException e) {
            refusal.addSuppressed(e);
            throw refusal;
        }
    }

    /// Goes on behind a turn.
    void follow(TurnDraft draft, Next next) {
        messages.add(draft.parsed.message());
        messages.addAll(draft.answers);
        if (next.context().isPresent()) {
            transcript.anew(next.context().get());
        } else {
            transcript.observed(next.observation());
        }
    }

    /// Room for the next turn.
    TurnBudget.Room room() {
        return room(transcript.length());
    }

    /// Room for a turn that goes on so.
    TurnBudget.Room room(Next next) {
        return room(length(next));
    }

    /// Number of tokens of a dialogue that goes on in this way.
    int length(Next next) {
        return next.context()
                .map(context -> context.length)
                .orElse(transcript.length() + next.observation().length);
    }

    private TurnBudget.Room room(int length) {
        return setup.budget().room(length, length - promptIds.length, transcript.sampledTokens());
    }
}
