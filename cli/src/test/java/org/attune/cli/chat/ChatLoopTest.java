package org.attune.cli.chat;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ConfigException;
import org.attune.models.DtypeChoice;
import org.attune.models.LoadedModel;
import org.attune.models.ModelConfig;
import org.attune.rollout.generation.ChatSession;
import org.attune.rollout.sampling.SamplingConfig;
import org.attune.rollout.sampling.SamplingConfig.Distribution;
import org.attune.tensor.Engine;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.PipedReader;
import java.io.PipedWriter;
import java.io.PrintWriter;
import java.io.StringReader;
import java.io.StringWriter;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;

class ChatLoopTest {
    private static final Path MODEL =
            Path.of(System.getProperty("attune.root", ".."), "examples", "model");

    @TempDir Path folder;

    private final StringWriter out = new StringWriter();

    /// Talks with the embedded model.
    ///
    /// @param stopAfter characters of the first answer; Ctrl-C is pressed then
    private int talk(String typed, int capacity, int stopAfter) {
        return Engine.call(
                () -> {
                    ModelConfig config =
                            ModelConfig.of(MODEL.toString()).withDtype(DtypeChoice.FLOAT32);
                    try (var loaded = LoadedModel.openToGenerate(config);
                            var session =
                                    new ChatSession(
                                            loaded.completer(),
                                            loaded.setup().text().chat(),
                                            List.of(),
                                            capacity)) {
                        var stopping = new Stopping(stopAfter);
                        var writer = new PrintWriter(stopping);
                        var input =
                                new ChatInput(new BufferedReader(new StringReader(typed)), writer);
                        var sampling = SamplingConfig.of(Distribution.greedy(), 8, Set.of(), 1);
                        var loop = new ChatLoop(input, writer, session, new ChatSettings(sampling));
                        stopping.loop = loop;
                        return loop.run();
                    }
                });
    }

    /// Presses Ctrl-C when the first character of an answer has been written.
    private final class Stopping extends Writer {
        private final int after;
        private ChatLoop loop;
        private boolean prompted;
        private int answered;

        Stopping(int after) {
            this.after = after;
        }

        @Override
        public void write(char[] characters, int from, int length) {
            String text = new String(characters, from, length);
            out.write(text);
            answered += prompted ? length : 0;
            prompted |= text.startsWith("> ");
            if (after > 0 && answered >= after) {
                answered = Integer.MIN_VALUE;
                loop.interrupted();
            }
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
    }

    @Test
    void answersAreCutOffAndSaid() {
        assertEquals(0, talk("Sort ascending: 3 1 2 4\n\n/quit\n", 64, 0));
        assertTrue(out.toString().contains("(cut off after 8 tokens"), out.toString());
    }

    @Test
    void interruptEndsTheAnswerNotTheConversation() throws IOException {
        Path saved = folder.resolve("saved.jsonl");
        assertEquals(0, talk("Sort ascending: 3 1 2 4\n/save %s\n/quit\n".formatted(saved), 64, 1));
        String text = out.toString();
        assertTrue(text.contains("(stopped; what was said so far"), text);
        String line = Files.readString(saved);
        assertTrue(line.startsWith("{\"messages\":[{\"role\":\"user\""), line);
        assertTrue(line.contains("\"role\":\"assistant\""), line);
        assertTrue(line.length() < 150, line);
    }

    @Test
    void fullConversationIsSaid() {
        assertEquals(0, talk("Sort ascending: 3 1 2 4\n/clear\n/quit\n", 8, 0));
        assertTrue(out.toString().contains("there is room for 8"), out.toString());
        assertTrue(out.toString().contains("A new conversation."), out.toString());
    }

    @Test
    void commandsAreDone() {
        assertEquals(
                0,
                talk(
                        """
                        /help
                        /retry
                        /save x
                        /set temperature=0.5
                        /set temperature=cold
                        /stytem x
                        /image a.png
                        /system You sort.
                        /system
                        /exit
                        """,
                        64,
                        0));
        String text = out.toString();
        assertTrue(text.contains("/retry             answer the last"), text);
        assertTrue(text.contains("There is nothing to answer again."), text);
        assertTrue(text.contains("There is nothing to save yet."), text);
        assertTrue(text.contains("temperature=0.5 top_p"), text);
        assertTrue(text.contains("/set temperature: cold; accepted: a number"), text);
        assertTrue(text.contains("no command /stytem, but /system"), text);
        assertTrue(text.contains("/image: this model sees no pictures"), text);
        assertTrue(text.contains("> You sort."), text);
    }

    @Test
    void settingsAreChecked() {
        var settings = new ChatSettings(SamplingConfig.of(Distribution.greedy(), 8, Set.of(2), 1));
        assertEquals(0.7, settings.with("temperature=0.7").sampling().distribution().temperature());
        assertEquals(2, settings.redrawn().sampling().seed());
        assertEquals(Set.of(2), settings.with("top_k=4").sampling().stopIds());
        for (String wrong : List.of("temperature", "heat=1", "top_p=2", "seed=x", "top_k=-1")) {
            assertThrows(ConfigException.class, () -> settings.with(wrong), wrong);
        }
    }

    @Test
    void severalLinesAreOneMessage() {
        var input =
                new ChatInput(
                        new BufferedReader(
                                new StringReader(
                                        "\"\"\"\n"
                                                + "a\n"
                                                + "b\n"
                                                + "\"\"\"\n"
                                                + "c\\\n"
                                                + "d\n"
                                                + "\"\"\"e\"\"\"\n"
                                                + "\"\"\"f\n"
                                                + "g\"\"\"\n")),
                        new PrintWriter(out));
        for (String expected : List.of("a\nb", "c\nd", "e", "f\ng")) {
            assertEquals(new ChatInput.Event.Text(expected), input.next());
        }
        assertEquals(new ChatInput.Event.End(), input.next());
    }

    @Test
    void interruptAtThePromptIsToldApart() throws Exception {
        var read = new PipedReader();
        try (var _ = new PipedWriter(read)) {
            var input = new ChatInput(new BufferedReader(read), new PrintWriter(out));
            input.interrupt();
            assertEquals(new ChatInput.Event.Interrupt(false), input.next());
            assertFalse(out.toString().isEmpty());
        }
    }

    @Test
    void interruptInAMessageOfSeveralLinesDropsTheMessage() throws Exception {
        var read = new PipedReader();
        try (var lines = new PipedWriter(read)) {
            var asked = new AtomicReference<ChatInput>();
            var writer =
                    new StringWriter() {
                        @Override
                        public void write(String text, int from, int length) {
                            if (text.equals(ChatInput.MORE)) {
                                asked.get().interrupt();
                            }
                        }
                    };
            asked.set(new ChatInput(new BufferedReader(read), new PrintWriter(writer)));
            lines.write("begun \\\n");
            lines.flush();
            assertEquals(new ChatInput.Event.Interrupt(true), asked.get().next());
        }
    }
}
