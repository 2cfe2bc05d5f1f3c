package org.attune.rollout.source;

import org.attune.rollout.RolloutPrompt;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.OptionalInt;

/// Prompts that several servers complete. Each begins with whole groups, whose beginnings it then
/// knows; a server that has done its own takes over others'. Thread-safe.
final class SharedPrompts {
    private final List<ArrayDeque<Integer>> waiting = new ArrayList<>();
    private final boolean[] gone;
    private int open;

    /// @param there whether a server is there; at least one is
    SharedPrompts(List<RolloutPrompt> prompts, boolean[] there) {
        gone = new boolean[there.length];
        List<ArrayDeque<Integer>> dealt = new ArrayList<>();
        for (int server = 0; server < there.length; server++) {
            waiting.add(new ArrayDeque<>());
            gone[server] = !there[server];
            if (there[server]) {
                dealt.add(waiting.getLast());
            }
        }
        int group = -1;
        for (int i = 0; i < prompts.size(); i++) {
            if (i == 0 || prompts.get(i) != prompts.get(i - 1)) {
                group++;
            }
            dealt.get(group % dealt.size()).add(i);
        }
        open = prompts.size();
    }

    /// The prompt that a server is to complete next. Waits while others complete the last ones,
    /// since these may come back.
    ///
    /// @return empty if all is done, or the server is gone
    synchronized OptionalInt take(int server) throws InterruptedException {
        while (open > 0 && !gone[server]) {
            Integer own = waiting.get(server).pollFirst();
            if (own == null) {
                own =
                        waiting.stream()
                                .max(Comparator.comparingInt(ArrayDeque::size))
                                .orElseThrow()
                                .pollLast();
            }
            if (own != null) {
                return OptionalInt.of(own);
            }
            wait();
        }
        return OptionalInt.empty();
    }

    /// A prompt was completed.
    synchronized void done() {
        open--;
        notifyAll();
    }

    /// A server is gone and gives back the prompt that it was to complete.
    synchronized void giveBack(int server, int prompt) {
        gone[server] = true;
        waiting.get(server).addFirst(prompt);
        notifyAll();
    }
}
