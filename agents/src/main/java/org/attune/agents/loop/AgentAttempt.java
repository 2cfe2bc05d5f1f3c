package org.attune.agents.loop;

import org.attune.agents.gateway.AgentEnd;
import org.attune.agents.gateway.AgentHost;
import org.attune.agents.gateway.AgentRequests.Event;
import org.attune.agents.gateway.ModelReply;
import org.attune.agents.gateway.ModelRequest;
import org.attune.agents.gateway.PendingReply;
import org.attune.agents.gateway.RequestException;
import org.attune.agents.tool.WorldFailedException;
import org.attune.episode.EndReason;
import org.attune.episode.Episode;
import org.attune.episode.EpisodeStart;
import org.attune.episode.Turn;
import org.attune.error.AttuneException;
import org.attune.rollout.SampledTurn;
import org.attune.text.Message;
import org.attune.text.parse.ParsedTurn;
import org.attune.text.parse.ToolCall;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.IntStream;

/// An attempt at an episode that someone else's program leads: it asks, and the policy answers. The
/// program's failure is the world's.
final class AgentAttempt implements EpisodeStory {
    /// The name of the reward that a program gives.
    static final String REWARD = "agent";

    private static final String EXPECTED =
            "; it must read its row, a line of JSON with the prompt, ask the model at"
                    + " OPENAI_BASE_URL, and end with exit code 0"
                    + " (docs/agents.md#agents-that-are-programs-of-someone-else)";

    private final EpisodeSetup setup;
    private final EpisodeStart start;
    private final AgentHost host;
    private final EpisodeDesk desk;
    private final AgentDialogue dialogue;
    private final long deadline;
    private final List<Turn> turns = new ArrayList<>();
    private List<Message> prompt;
    private int[] promptIds;
    private Optional<int[]> context = Optional.empty(); // of the last turn, where it begins a row
    private Optional<SampledTurn> sampled = Optional.empty(); // the last, not among the turns yet
    private ParsedTurn parsed;
    private EndReason end = EndReason.ANSWERED;

    AgentAttempt(EpisodeSetup setup, EpisodeTask task, AgentHost host, EpisodeDesk desk) {
        this.setup = setup;
        this.start = task.start();
        this.prompt = task.prompt();
        this.promptIds = task.promptIds();
        this.host = host;
        this.desk = desk;
        this.dialogue = new AgentDialogue(setup.format(), setup.config().history());
        Optional<Duration> most = setup.limits().episodeTimeout();
        this.deadline = System.nanoTime() + most.map(Duration::toNanos).orElse(Long.MAX_VALUE / 2);
    }

    @Override
    public Episode play() throws WorldFailedException, InterruptedException {
        desk.isAway();
        try (AgentHost.Work work = host.start(start, prompt)) {
            while (true) {
                switch (work.requests().take()) {
                    case Event.Asked asked -> answer(asked);
                    case Event.Ended ended -> {
                        if (dialogue.transcript() == null && end == EndReason.ANSWERED) {
                            throw failed(new IOException("it ended without asking the model"));
                        }
                        return ended(ended.end());
                    }
                    case Event.Failed failed -> {
                        if (end != EndReason.ANSWERED) {
                            return ended(new AgentEnd(OptionalDouble.empty(), Map.of()));
                        }
                        throw failed(failed.why());
                    }
                }
            }
        } catch (IOException e) {
            throw failed(e);
        }
    }

    private WorldFailedException failed(IOException e) {
        String expected = dialogue.transcript() == null ? EXPECTED : "";
        return new WorldFailedException(
                "the agent's program failed: " + e.getMessage() + expected, e);
    }

    private void answer(Event.Asked asked) throws InterruptedException {
        try {
            asked.reply().answer(reply(asked.request(), asked.reply()));
        } catch (RequestException e) {
            asked.reply().refuse(e);
        }
        desk.isAway();
    }

    private ModelReply reply(ModelRequest request, PendingReply pending)
            throws RequestException, InterruptedException {
        AgentDialogue.Next next = next(request);
        TurnBudget.Room room = room(next);
        int most = Math.min(room.most(), request.maxTokens().orElse(Integer.MAX_VALUE));
        boolean isFirst = dialogue.transcript() == null;
        keep(next);
        if (isFirst) {
            prompt = request.messages();
            promptIds = next.context().orElseThrow();
        }
        context = isFirst ? Optional.empty() : next.context();
        dialogue.follow(request, next);
        Transcript before = dialogue.transcript();
        String prefix = text(before.ids());
        var relay =
                new TurnRelay(
                        request, pending, setup.format(), prefix, desk.stopStrings(), turns.size());
        SampledTurn turn =
                next.context().isPresent()
                        ? desk.begin(0, next.context().get(), most, before.drawn(), deadline, relay)
                        : desk.goOn(0, next.observation(), most, relay);
        if (turn.ids().length == 0) {
            dialogue.withoutTurn();
            throw pending.isGone()
                    ? new RequestException(400, "cancelled", "the client has gone away")
                    : over(EndReason.TIMEOUT);
        }
        relay.finish();
        sampled = Optional.of(turn);
        return read(request, prefix, turn);
    }

    private String text(int[] ids) {
        return setup.format().chat().tokenizer().decode(ids, false);
    }

    private AgentDialogue.Next next(ModelRequest request) throws RequestException {
        if (end != EndReason.ANSWERED) {
            throw over(end);
        }
        if (System.nanoTime() - deadline >= 0) {
            throw over(EndReason.TIMEOUT);
        }
        int made = turns.size() + (sampled.isPresent() ? 1 : 0);
        if (made >= setup.limits().maxTurns().orElse(Integer.MAX_VALUE)) {
            throw over(EndReason.MAX_TURNS);
        }
        try {
            return dialogue.next(request);
        } catch (AttuneException e) {
            throw new RequestException(400, "invalid_request", e.getMessage());
        }
    }

    private TurnBudget.Room room(AgentDialogue.Next next) throws RequestException {
        Transcript held = dialogue.transcript();
        int own = held == null ? 0 : held.sampledTokens();
        int length =
                next.context()
                        .map(ids -> ids.length)
                        .orElseGet(() -> held.length() + next.observation().length);
        int before = held == null ? length : promptIds.length;
        TurnBudget.Room room = setup.budget().room(length, Math.max(0, length - before), own);
        if (room.isEmpty()) {
            throw over(room.end());
        }
        return room;
    }

    /// The episode has used up a budget: further requests are refused, and its end is known.
    private RequestException over(EndReason reason) {
        end = reason;
        return new RequestException(
                400,
                "context_length_exceeded",
                "the episode has used up what it is allowed: " + reason.key());
    }

    /// @param prefix text of all tokens before the turn
    private ModelReply read(ModelRequest request, String prefix, SampledTurn turn) {
        EpisodeFormat format = setup.format();
        String text = format.chat().tokenizer().decode(turn.ids(), true);
        boolean isChat = request.text().isEmpty();
        parsed =
                isChat
                        ? format.parser().parse(prefix, text(turn.ids()), request.tools())
                        : new ParsedTurn(Message.of("assistant", text), List.of(), List.of(), true);
        var answer =
                new ModelReply(
                        parsed.message(),
                        named(parsed.calls()),
                        turn.reason().isFinished(),
                        dialogue.transcript().length(),
                        turn.ids().length);
        dialogue.sampled(turn.ids(), answer, text);
        return answer;
    }

    private List<ToolCall> named(List<ToolCall> calls) {
        return IntStream.range(0, calls.size())
                .mapToObj(i -> TurnRelay.named(calls.get(i), turns.size(), i))
                .toList();
    }

    /// Puts the last turn among the others, with what followed it.
    private void keep(AgentDialogue.Next next) {
        if (sampled.isEmpty()) {
            return;
        }
        SampledTurn turn = sampled.get();
        turns.add(
                new Turn(
                        turn.ids(),
                        turn.logProbs(),
                        turn.reason().isFinished(),
                        Optional.of(parsed),
                        List.of(),
                        next.answers(),
                        next.observation(),
                        0,
                        context));
        sampled = Optional.empty();
    }

    private Episode ended(AgentEnd said) {
        keep(new AgentDialogue.Next(List.of(), new int[0], Optional.empty()));
        Map<String, OptionalDouble> rewards = new LinkedHashMap<>();
        rewards.put(REWARD, said.reward());
        return new Episode(start, prompt, promptIds, turns, end, rewards, said.state());
    }

    @Override
    public Episode failed() {
        return new Episode(start, prompt, promptIds, turns, EndReason.FAILED, Map.of(), Map.of());
    }
}
