package org.attune.cli.chat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;

/// What the user does at a prompt: types lines, presses Ctrl-C, ends the input. Read ahead by a
/// its own thread, since nothing else could wait for a line and for Ctrl-C at once.
final class ChatInput {
    /// Opens and closes a message of several lines.
    static final String BLOCK = "\"\"\"";

    private static final String PROMPT = "> ";
    static final String MORE = "… ";

    /// What came.
    sealed interface Event {
        /// A message or a command; several lines are joined by line feeds.
        record Text(String text) implements Event {}

        /// Ctrl-C.
        ///
        /// @param unfinished whether a message of several lines had been begun
        record Interrupt(boolean unfinished) implements Event {}

        /// No more will come.
        record End() implements Event {}
    }

    private final BlockingQueue<Event> events = new LinkedBlockingQueue<>();
    private final PrintWriter out;

    /// @param in read to its end by a daemon thread
    ChatInput(BufferedReader in, PrintWriter out) {
        this.out = out;
        Thread.ofPlatform().daemon().name("attune-chat-input").start(() -> readAll(in));
    }

    private void readAll(BufferedReader in) {
        try {
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                events.add(new Event.Text(line));
            }
        } catch (IOException _) {
            // the same for the user: nothing more can be said
        }
        events.add(new Event.End());
    }

    /// Ctrl-C was pressed. From any thread.
    void interrupt() {
        events.add(new Event.Interrupt(false));
    }

    /// Asks for a message and waits for it. Lines between two lines of `"""`, and those after one
    /// that ends with a backslash, belong to one message.
    Event next() {
        Event event = line(PROMPT);
        if (!(event instanceof Event.Text(String first))) {
            return event;
        }
        String start = first.strip();
        if (start.startsWith(BLOCK)) {
            return block(start.substring(BLOCK.length()));
        }
        return first.endsWith("\\") ? continued(first) : event;
    }

    private Event block(String first) {
        var text = new StringBuilder();
        String line = first;
        boolean any = !first.isEmpty();
        while (!line.stripTrailing().endsWith(BLOCK)) {
            if (any) {
                text.append(line).append('\n');
            }
            any = true;
            Event event = line(MORE);
            if (!(event instanceof Event.Text(String next))) {
                return unfinished(event);
            }
            line = next;
        }
        String last = line.stripTrailing();
        text.append(last, 0, last.length() - BLOCK.length());
        return new Event.Text(text.toString().strip());
    }

    private Event continued(String first) {
        var text = new StringBuilder();
        String line = first;
        while (line.endsWith("\\")) {
            text.append(line, 0, line.length() - 1).append('\n');
            Event event = line(MORE);
            if (!(event instanceof Event.Text(String next))) {
                return unfinished(event);
            }
            line = next;
        }
        return new Event.Text(text.append(line).toString());
    }

    private static Event unfinished(Event event) {
        return event instanceof Event.Interrupt ? new Event.Interrupt(true) : event;
    }

    private Event line(String prompt) {
        out.print(prompt);
        out.flush();
        try {
            return events.take();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return new Event.End();
        }
    }
}
