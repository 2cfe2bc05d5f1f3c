package org.attune.agents.loop;

import org.attune.agents.environment.Opening;
import org.attune.agents.environment.Step;
import org.attune.agents.tool.Tool;
import org.attune.agents.tool.WorldFailedException;
import org.attune.episode.EndReason;
import org.attune.episode.Episode;
import org.attune.episode.EpisodeStart;
import org.attune.episode.ToolOutcome;
import org.attune.episode.Turn;
import org.attune.error.RolloutException;
import org.attune.rollout.SampledTurn;
import org.attune.rollout.StopReason;
import org.attune.text.Message;
import org.attune.text.parse.ParsedTurn;
import org.attune.text.parse.ToolCall;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;

/// One attempt at an episode in one world, told from its beginning to its end: [#open], then turns,
/// each [#react]ed to, then rewards. On the episode's own thread, which may wait.
final class EpisodeAttempt implements EpisodeStory {
    private static final Duration ENVIRONMENT_LIMIT = Duration.ofSeconds(60);

    private final EpisodeSetup setup;
    private final EpisodeStart start;
    private final EpisodeWorld world;
    private final EpisodeDesk desk;
    private final WorldCalls calls;
    private final long deadline;
    private final List<Turn> turns = new ArrayList<>();
    private final EpisodeTask task;
    private Conversations conversations;
    private List<Tool> tools = List.of();
    private Dialogue first; // the conversation with which the episode begins
    private int callsMade;
    private int errorsInARow;

    EpisodeAttempt(EpisodeSetup setup, EpisodeTask task, EpisodeWorld world, EpisodeDesk desk) {
        this.setup = setup;
        this.task = task;
        this.start = task.start();
        this.world = world;
        this.desk = desk;
        calls = new WorldCalls(setup.limits().toolTimeout().orElse(ENVIRONMENT_LIMIT));
        deadline =
                System.nanoTime()
                        + setup.limits()
                                .episodeTimeout()
                                .map(Duration::toNanos)
                                .orElse(Long.MAX_VALUE / 2);
    }

    /// Plays it to its end.
    ///
    /// @throws RolloutException if the prompt leaves no room for a turn
    @Override
    public Episode play() throws WorldFailedException, InterruptedException {
        open();
        TurnBudget.Room room = dialogue().room();
        if (room.isEmpty()) {
            throw new RolloutException(
                    "a prompt has %d tokens and leaves no room for a turn; accepted: below %d"
                            .formatted(dialogue().promptIds().length, setup.context()));
        }
        SampledTurn sampled = sampled(room.most());
        while (true) {
            Optional<EndReason> end = react(sampled, room);
            if (end.isPresent()) {
                return ended(end.get());
            }
            room = dialogue().room();
            if (isLate()) {
                return ended(EndReason.TIMEOUT);
            }
            if (room.isEmpty()) {
                return ended(room.end());
            }
            sampled = sampled(room.most());
        }
    }

    private SampledTurn sampled(int most) throws InterruptedException {
        Conversations.Next next = conversations.next();
        int number = next.conversation();
        return next.begins().isPresent()
                ? desk.begin(
                        number, next.begins().get(), most, next.drawn(), deadline, TurnReader.NONE)
                : desk.goOn(number, next.observed(), most, TurnReader.NONE);
    }

    /// Of the conversation whose turn it is.
    private Dialogue dialogue() {
        return conversations.dialogue();
    }

    @Override
    public Episode failed() {
        boolean isOpen = first != null;
        return new Episode(
                start,
                isOpen ? first.prompt() : task.prompt(),
                isOpen ? first.promptIds() : task.promptIds(),
                turns,
                EndReason.FAILED,
                Map.of(),
                Map.of());
    }

    private void open() throws WorldFailedException, InterruptedException {
        if (setup.worlds().isEmpty()) {
            conversations = new Conversations(setup, task.prompt(), List.of(), Map.of());
            first = conversations.begin(Opening.NOTHING, Optional.of(task.promptIds()));
            return;
        }
        desk.isAway();
        Opening opening = calls.call("reset of the environment", () -> world.reset(start));
        tools = limited(calls.call("listing the tools", world::tools));
        setup.caller().check(tools);
        List<Object> shown = new ArrayList<>();
        tools.forEach(tool -> shown.add(tool.spec().asTemplateValue()));
        conversations = new Conversations(setup, task.prompt(), shown, roles());
        first = conversations.begin(opening, Optional.empty());
    }

    /// System prompts of the environment's roles, in their order.
    private Map<String, String> roles() throws WorldFailedException, InterruptedException {
        var prompts = new LinkedHashMap<String, String>();
        for (String role : calls.call("listing the roles", world::roles)) {
            prompts.put(role, calls.call("a role's system prompt", () -> world.systemPrompt(role)));
        }
        if (!prompts.isEmpty() && !setup.config().roles()) {
            throw new RolloutException(
                    "environment %s has the roles %s, whose rewards differ; accepted: one speaker, or grpo with credit: roles"
                            .formatted(world.name(), prompts.keySet()));
        }
        return prompts;
    }

    private List<Tool> limited(List<Tool> all) {
        Optional<Duration> most = setup.limits().toolTimeout();
        return most.isEmpty()
                ? all
                : all.stream().map(tool -> LimitedTool.within(tool, most.get())).toList();
    }

    private boolean isLate() {
        return System.nanoTime() - deadline >= 0;
    }

    private Duration left() {
        return Duration.ofNanos(Math.max(0, deadline - System.nanoTime()));
    }

    /// What the world makes of a turn.
    ///
    /// @return why the episode ends with it; empty if it goes on
    private Optional<EndReason> react(SampledTurn sampled, TurnBudget.Room room)
            throws WorldFailedException, InterruptedException {
        if (sampled.ids().length == 0) {
            return Optional.of(EndReason.TIMEOUT);
        }
        var draft = new TurnDraft(sampled, parsed(sampled.ids()));
        draft.context = conversations.next().context();
        draft.role = conversations.role();
        draft.conversation = conversations.number();
        dialogue().sampled(sampled.ids());
        Optional<EndReason> end = act(draft, room);
        if (end.isEmpty()) {
            end = observe(draft);
        }
        if (end.isPresent()) {
            draft.dropAnswers();
        }
        turns.add(draft.turn());
        return end;
    }

    private ParsedTurn parsed(int[] ids) {
        ParsedTurn turn =
                setup.format()
                        .parser()
                        .parse(text(dialogue().ids()), text(ids), dialogue().tools());
        if (!setup.isTrl() || !turn.isFallback() || !turn.problems().isEmpty()) {
            return turn;
        }
        // TRL leaves control tokens out by their ids: a name that was spelled by others stays.
        String text = setup.format().chat().tokenizer().decode(ids, true);
        return new ParsedTurn(Message.of("assistant", text), List.of(), List.of(), true);
    }

    private String text(int[] ids) {
        return setup.format().chat().tokenizer().decode(ids, false);
    }

    private Optional<EndReason> act(TurnDraft draft, TurnBudget.Room room)
            throws WorldFailedException, InterruptedException {
        ParsedTurn parsed = draft.parsed;
        boolean cut = !draft.isFinished();
        if (cut && !setup.isTrl()) {
            draft.leaveCalls();
            boolean late = draft.sampled.reason() == StopReason.DEADLINE;
            return Optional.of(late ? EndReason.TIMEOUT : room.end());
        }
        boolean problems = !setup.isTrl() && !parsed.problems().isEmpty();
        boolean asks = !setup.worlds().isEmpty() && (!parsed.calls().isEmpty() || problems);
        if (!asks) {
            return cut ? Optional.of(room.end()) : step(draft);
        }
        if (turns.size() >= setup.iterations()) {
            draft.leaveCalls();
            return Optional.of(EndReason.MAX_TURNS);
        }
        return call(draft);
    }

    /// The environment answers a text.
    private Optional<EndReason> step(TurnDraft draft)
            throws WorldFailedException, InterruptedException {
        errorsInARow = 0;
        if (!world.hasEnvironment()) {
            return Optional.of(EndReason.ANSWERED);
        }
        desk.isAway();
        int index = turns.size();
        Step step = calls.call("a step of the environment", () -> world.step(draft.parsed, index));
        draft.reward = step.reward();
        return switch (step) {
            case Step.Observe(var messages, var _, var role, var isAnew) -> {
                conversations.require(role);
                draft.answers = messages;
                draft.nextRole = role;
                draft.isNextAnew = isAnew;
                yield Optional.empty();
            }
            case Step.Done(var _, boolean isDecided) ->
                    Optional.of(isDecided ? EndReason.ENVIRONMENT_DONE : EndReason.ANSWERED);
        };
    }

    /// Tools answer calls.
    private Optional<EndReason> call(TurnDraft draft)
            throws WorldFailedException, InterruptedException {
        desk.isAway();
        ParsedTurn parsed = draft.parsed;
        int run = run(draft);
        draft.answers =
                setup.format()
                        .answers()
                        .messages(draft.outcomes, setup.isTrl() ? List.of() : parsed.problems());
        if (draft.outcomes.stream().anyMatch(o -> o.kind() == ToolOutcome.Kind.FINAL)) {
            return Optional.of(EndReason.ENVIRONMENT_DONE);
        }
        if (isLate()) {
            return Optional.of(EndReason.TIMEOUT);
        }
        if (run < parsed.calls().size()) {
            return Optional.of(EndReason.MAX_CALLS);
        }
        boolean failing =
                errorsInARow >= setup.limits().maxConsecutiveErrors().orElse(Integer.MAX_VALUE);
        return failing ? Optional.of(EndReason.PARSE_ERRORS) : Optional.empty();
    }

    /// Runs a turn's calls, as many as are left.
    ///
    /// @return how many
    private int run(TurnDraft draft) throws WorldFailedException, InterruptedException {
        List<ToolCall> all = draft.parsed.calls();
        int most = setup.limits().maxToolCalls().orElse(Integer.MAX_VALUE) - callsMade;
        int run = Math.min(most, all.size());
        Duration left = left();
        List<Tool> inTime = tools.stream().map(t -> LimitedTool.inTimeLeft(t, left)).toList();
        List<ToolOutcome> outcomes = new ArrayList<>();
        setup.caller().call(inTime, all.subList(0, run), start, turns.size()).stream()
                .map(outcome -> setup.isTrl() ? TrlErrors.of(outcome) : outcome)
                .forEach(outcomes::add);
        boolean fine = outcomes.stream().anyMatch(outcome -> !outcome.kind().isError());
        errorsInARow = fine ? 0 : errorsInARow + 1;
        callsMade += run;
        outcomes.addAll(draft.notRun(run));
        draft.outcomes = outcomes;
        return run;
    }

    /// Makes tokens of the answers, if another turn is to follow them.
    private Optional<EndReason> observe(TurnDraft draft) {
        if (turns.size() + 1 >= setup.limits().maxTurns().orElse(Integer.MAX_VALUE)) {
            return Optional.of(EndReason.MAX_TURNS);
        }
        return conversations.turn(draft);
    }

    private Episode ended(EndReason end) throws WorldFailedException, InterruptedException {
        List<Message> prompt = first.prompt();
        int[] promptIds = first.promptIds();
        var episode = new Episode(start, prompt, promptIds, turns, end, Map.of(), Map.of());
        if (!world.hasEnvironment()) {
            return episode;
        }
        desk.isAway();
        Map<String, OptionalDouble> ofWhole =
                calls.call("the environment's reward", () -> world.rewards(episode));
        Map<String, Double> ofRoles =
                calls.call("rewards of roles", () -> world.rolesRewards(episode));
        for (String role : ofRoles.keySet()) {
            conversations.require(role);
        }
        return new Episode(
                start,
                prompt,
                promptIds,
                rewarded(ofRoles),
                end,
                ofRoles.isEmpty() ? ofWhole : judged(ofWhole),
                calls.call("the environment's state", world::state));
    }

    /// Who rewards roles judges the episode, and gives it nothing where it says nothing else.
    private static Map<String, OptionalDouble> judged(Map<String, OptionalDouble> ofWhole) {
        Map<String, OptionalDouble> judged = new HashMap<>(ofWhole);
        judged.replaceAll((name, reward) -> OptionalDouble.of(reward.orElse(0)));
        return judged;
    }

    /// The turns, where the last one of each conversation gets what its role gets for the episode.
    private List<Turn> rewarded(Map<String, Double> ofRoles) throws WorldFailedException {
        List<Turn> rewarded = new ArrayList<>(turns);
        Set<Integer> done = new HashSet<>();
        for (int i = turns.size() - 1; i >= 0; i--) {
            Turn turn = turns.get(i);
            double reward = ofRoles.getOrDefault(turn.role(), 0.0);
            if (!Double.isFinite(reward)) {
                throw new WorldFailedException(
                        "the reward of the role \"%s\" is %s; accepted: a finite number"
                                .formatted(turn.role(), reward));
            }
            if (done.add(turn.conversation())) {
                rewarded.set(i, turn.withReward(turn.reward() + reward));
            }
        }
        return rewarded;
    }
}
