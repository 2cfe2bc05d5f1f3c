package org.attune.agents.loop;

import org.attune.agents.environment.Opening;
import org.attune.agents.tool.WorldFailedException;
import org.attune.episode.EndReason;
import org.attune.text.Message;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// The conversations of an episode: one, or those of its roles, none of which reads another. On the
/// episode's thread.
final class Conversations {
    private static final int[] NOTHING = {};

    private final EpisodeSetup setup;
    private final List<Message> prompt;
    private final List<Object> tools;
    private final Map<String, String> roles;
    private final List<Conversation> all = new ArrayList<>();
    private Conversation current;
    private Next next;

    /// What one speaker reads and says.
    ///
    /// @param number in the order in which they began, from 0
    /// @param role who speaks; empty where there are no roles
    private record Conversation(int number, String role, Dialogue dialogue) {}

    private final Map<Conversation, TurnDraft> spoken = new LinkedHashMap<>(); // its last turn

    /// How the next turn is asked for.
    ///
    /// @param conversation its number
    /// @param begins tokens of a sequence that begins; empty: it goes on
    /// @param drawn where draws of a sequence that begins go on
    /// @param observed tokens that a sequence goes on with
    /// @param context all tokens that the turn follows, where these aren't those of the turn before
    @SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
    record Next(
            int conversation,
            Optional<int[]> begins,
            int drawn,
            int[] observed,
            Optional<int[]> context) {}

    /// @param prompt that all roles read, before an environment adds to it
    /// @param tools as templates take them
    /// @param roles system prompt of each, the first of which begins; empty: there are none
    Conversations(
            EpisodeSetup setup,
            List<Message> prompt,
            List<Object> tools,
            Map<String, String> roles) {
        this.setup = setup;
        this.prompt = List.copyOf(prompt);
        this.tools = tools;
        this.roles = new LinkedHashMap<>(roles);
    }

    /// Begins the first one.
    ///
    /// @param ids tokens of the prompt, if it isn't to be rendered
    Dialogue begin(Opening opening, Optional<int[]> ids) {
        String role = roles.isEmpty() ? "" : roles.keySet().iterator().next();
        begin(role, Dialogue.opened(promptOf(role), opening), ids);
        int[] prompt = dialogue().promptIds();
        next = new Next(0, Optional.of(prompt), 0, NOTHING, Optional.empty());
        return dialogue();
    }

    private void begin(String role, List<Message> messages, Optional<int[]> ids) {
        current = new Conversation(all.size(), role, new Dialogue(setup, messages, tools, ids));
        all.add(current);
    }

    /// How the next turn is asked for, after [#begin] and each [#turn].
    Next next() {
        return next;
    }

    /// A system prompt stands behind that of the prompt, since templates take one.
    private List<Message> promptOf(String role) {
        String system = roles.getOrDefault(role, "");
        if (system.isEmpty()) {
            return prompt;
        }
        List<Message> messages = new ArrayList<>(prompt);
        boolean has = !prompt.isEmpty() && prompt.getFirst().role().equals("system");
        if (has) {
            system = messages.removeFirst().content() + "\n\n" + system;
        }
        messages.addFirst(Message.of("system", system));
        return messages;
    }

    /// Tokens and messages of the conversation whose turn it is.
    Dialogue dialogue() {
        return current.dialogue();
    }

    /// Who has the turn.
    String role() {
        return current.role();
    }

    /// The conversation that has the turn.
    int number() {
        return current.number();
    }

    /// @throws WorldFailedException if an environment names a role that it doesn't have
    void require(String role) throws WorldFailedException {
        if (!role.isEmpty() && !roles.containsKey(role)) {
            throw new WorldFailedException(
                    "an environment names the role \"%s\"; accepted: one of its roles, %s"
                            .formatted(role, roles.keySet()));
        }
    }

    /// Gives the turn to whom the world gives it, who reads the answers to a turn.
    ///
    /// @param draft the turn; its answers may become shorter
    /// @return why the episode ends instead; empty if it goes on
    Optional<EndReason> turn(TurnDraft draft) {
        spoken.put(current, draft);
        String role = draft.nextRole.isEmpty() ? current.role() : draft.nextRole;
        Optional<Conversation> last =
                all.reversed().stream().filter(one -> one.role().equals(role)).findFirst();
        if (draft.isNextAnew || last.isEmpty()) {
            return anew(role, draft);
        }
        boolean stays = last.get() == current;
        current = last.get();
        TurnDraft answered = spoken.get(current);
        answered.answers = draft.answers;
        var observer = new Observer(setup, answered, dialogue());
        Optional<EndReason> end = observer.write();
        draft.answers = answered.answers;
        if (end.isEmpty()) {
            dialogue().follow(answered, observer.next());
            int[] observed = observer.next().observation();
            draft.observation = stays ? observed : draft.observation;
            Optional<int[]> begins = observer.next().context();
            next =
                    new Next(
                            number(),
                            begins,
                            dialogue().drawn(),
                            observed,
                            stays ? begins : Optional.of(dialogue().ids()));
        }
        return end;
    }

    private Optional<EndReason> anew(String role, TurnDraft draft) {
        begin(role, followedBy(promptOf(role), draft.answers), Optional.empty());
        int[] ids = dialogue().promptIds();
        next = new Next(number(), Optional.of(ids), 0, NOTHING, Optional.of(ids));
        TurnBudget.Room room = dialogue().room();
        return room.isEmpty() ? Optional.of(room.end()) : Optional.empty();
    }

    /// Templates want users and assistants to take turns: a user's message behind one of a user is
    /// joined to it, by an empty line unless there is a space already.
    private static List<Message> followedBy(List<Message> prompt, List<Message> answers) {
        boolean joins =
                !prompt.isEmpty()
                        && prompt.getLast().role().equals("user")
                        && answers.getFirst().role().equals("user");
        if (!joins) {
            List<Message> all = new ArrayList<>(prompt);
            all.addAll(answers);
            return all;
        }
        String before = prompt.getLast().content();
        boolean follows =
                before.isEmpty() || Character.isWhitespace(before.charAt(before.length() - 1));
        String text = (follows ? "" : "\n\n") + answers.getFirst().content();
        var opening = new Opening(Optional.of(text), answers.subList(1, answers.size()));
        return Dialogue.opened(prompt, opening);
    }
}
