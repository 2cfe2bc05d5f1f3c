package org.attune.models;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ConfigException;
import org.attune.rollout.StopReason;
import org.attune.text.Message;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.stream.Stream;

class ChatTest {
    private static final Path MODEL =
            Path.of(System.getProperty("attune.root", ".."), "examples", "model");
    private static final ModelConfig CONFIG =
            ModelConfig.of(MODEL.toString()).withDtype(DtypeChoice.FLOAT32);
    private static final GenerationOptions SHORT = GenerationOptions.defaults().withMaxNewTokens(8);
    private static final String QUESTION = "Sort ascending: 3 1 2 4";

    @TempDir Path folder;

    private static Chat open(GenerationOptions options) {
        return Chat.open(CONFIG, options);
    }

    private static <T> T on(Thread.Builder builder, Callable<T> work) {
        var task = new FutureTask<>(work);
        Thread thread = builder.start(task);
        try {
            thread.join();
            return task.get();
        } catch (InterruptedException | ExecutionException e) {
            throw new AssertionError(e);
        }
    }

    private static String refused(Executable call) {
        return assertThrows(IllegalArgumentException.class, call).getMessage();
    }

    @Test
    void anArgumentThatIsNullIsNamed() {
        assertEquals("modelNameOrPath must not be null", refused(() -> Chat.open(null)));
        assertEquals("adapter must not be null", refused(() -> Chat.open("m", null)));
        assertEquals("options must not be null", refused(() -> Chat.open(CONFIG, null)));
        List<Message> opening = Collections.singletonList(null);
        assertEquals(
                "opening[0] must not be null",
                refused(() -> Chat.open(CONFIG, SHORT, opening, 64)));
        assertEquals(
                "config must not be null",
                refused(() -> LoadedModel.openToGenerate((ModelConfig) null)));
        try (var chat = open(SHORT)) {
            assertEquals("text must not be null", refused(() -> chat.say(null)));
            assertEquals("receiver must not be null", refused(() -> chat.say("1", null)));
        }
    }

    @Test
    void everyThreadCanTalk() {
        List<String> alone = new ArrayList<>();
        List<String> byMany = new ArrayList<>();
        List<Message> turns;
        try (var chat = open(SHORT)) {
            for (int i = 0; i < 3; i++) {
                alone.add(chat.say(QUESTION + " " + i));
            }
        }
        Chat chat = on(Thread.ofVirtual(), () -> open(SHORT));
        byMany.add(on(Thread.ofVirtual(), () -> chat.say(QUESTION + " 0")));
        byMany.add(on(Thread.ofPlatform(), () -> chat.say(QUESTION + " 1")));
        byMany.add(chat.say(QUESTION + " 2"));
        turns = chat.messages();
        on(
                Thread.ofVirtual(),
                () -> {
                    chat.close();
                    return true;
                });
        assertEquals(alone, byMany);
        assertEquals(
                List.of("user", "assistant", "user", "assistant", "user", "assistant"),
                turns.stream().map(Message::role).toList());
        assertEquals(byMany.getLast(), turns.getLast().content());
    }

    @Test
    void threadsAtOnceAreAnsweredOneAfterTheOther() throws InterruptedException {
        List<Throwable> failures = new ArrayList<>();
        try (var chat = open(SHORT)) {
            List<Thread> threads =
                    Stream.generate(() -> Thread.ofVirtual().unstarted(() -> chat.say(QUESTION)))
                            .limit(4)
                            .toList();
            for (Thread thread : threads) {
                thread.setUncaughtExceptionHandler((_, e) -> failures.add(e));
                thread.start();
            }
            for (Thread thread : threads) {
                thread.join();
            }
            assertEquals(List.of(), failures);
            List<Message> turns = chat.messages();
            assertEquals(8, turns.size());
            for (int i = 0; i < 8; i++) {
                assertEquals(i % 2 == 0 ? "user" : "assistant", turns.get(i).role());
            }
        }
    }

    @Test
    void optionsDecideHowItAnswers() {
        GenerationOptions drawn = SHORT.withTemperature(5);
        try (var chat = open(drawn)) {
            String first = chat.say(QUESTION);
            chat.reset();
            assertEquals(List.of(), chat.messages());
            assertEquals(first, chat.say(QUESTION), "the same draws");
            chat.reset();
            assertTrue(!first.equals(chat.answer(QUESTION, drawn.withSeed(1), _ -> {}).text()));
            chat.reset();
            var cut = chat.answer(QUESTION, SHORT.withMaxNewTokens(2), _ -> {});
            assertEquals(2, cut.sampled().ids().length);
            assertEquals(StopReason.MAX_TOKENS, cut.sampled().reason());
            var error =
                    assertThrows(
                            ConfigException.class,
                            () -> chat.answer(QUESTION, SHORT.withTemperature(-1), _ -> {}));
            assertTrue(error.getMessage().startsWith("temperature is -1"), error.getMessage());
        }
    }

    @Test
    void whoReceivesPiecesCannotTalkMeanwhile() {
        var pieces = new StringBuilder();
        try (var chat = open(SHORT)) {
            assertEquals(chat.say(QUESTION, pieces::append), pieces.toString());
            chat.reset();
            assertThrows(
                    IllegalStateException.class,
                    () -> chat.say(QUESTION, _ -> chat.say("and now?")));
            assertThrows(IllegalStateException.class, () -> chat.say(QUESTION, _ -> chat.reset()));
            assertEquals(List.of(), chat.messages(), "as it was");
            chat.say(QUESTION);
        }
    }

    @Test
    void aClosedOneIsRefused() {
        Chat chat = open(SHORT);
        chat.close();
        chat.close();
        assertThrows(IllegalStateException.class, () -> chat.say(QUESTION));
        assertThrows(IllegalStateException.class, chat::messages);
    }

    @Test
    void contextAndOpeningAreTheCallers() {
        List<Message> opening = List.of(Message.of("system", "Sort."));
        try (var chat = Chat.open(CONFIG, SHORT, opening, 30)) {
            assertEquals(30, chat.session().capacity());
            assertEquals(opening, chat.messages());
        }
        assertThrows(ConfigException.class, () -> Chat.open(CONFIG, SHORT, opening, 0));
    }

    @Test
    void aModelWithoutTemplateIsNamed() throws IOException {
        try (Stream<Path> files = Files.list(MODEL)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                if (!file.endsWith("chat_template.jinja")) {
                    Files.copy(file, folder.resolve(file.getFileName()));
                }
            }
        }
        var error = assertThrows(ConfigException.class, () -> Chat.open(folder.toString()));
        assertTrue(
                error.getMessage().startsWith(folder + " has no chat template"), error::getMessage);
    }

    @Test
    void plainTextIsCompletedFromAnyThread() {
        try (var model = LoadedModel.openToGenerate(CONFIG)) {
            int[] prompt = model.setup().text().tokenizer().encode("Sort", true);
            var completions =
                    model.completer().complete(List.of(prompt, prompt), SHORT.of(model.setup()));
            assertEquals(2, completions.size());
            assertEquals(completions.get(0).text(), completions.get(1).text());
        }
    }
}
