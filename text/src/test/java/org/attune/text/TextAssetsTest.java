package org.attune.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ConfigException;
import org.attune.error.ModelException;
import org.attune.text.ChatTemplate.Tail;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

class TextAssetsTest {
    @TempDir Path folder;

    private void write(String file, String text) throws IOException {
        Path path = folder.resolve(file);
        Files.createDirectories(path.getParent());
        Files.writeString(path, text);
    }

    private void copyTokenizer() throws IOException {
        write("tokenizer.json", Files.readString(TinyModel.folder().resolve("tokenizer.json")));
    }

    private static String render(TextAssets assets, List<Object> tools) {
        var conversation = new Conversation(List.of(Message.of("user", "hi")), tools, Map.of());
        return assets.template().orElseThrow().render(conversation, Tail.NOTHING).text();
    }

    @Test
    void readsTokensThatAreObjects() {
        try (TextAssets assets = TextAssets.load(TinyModel.folder())) {
            assertEquals(
                    Map.of(
                            "bos_token", "<|start|>",
                            "eos_token", "<|end|>",
                            "pad_token", "<|pad|>"),
                    assets.specials().byRole());
        }
    }

    @Test
    void completesTokensFromOtherFiles() throws IOException {
        copyTokenizer();
        write("special_tokens_map.json", "{\"pad_token\": {\"content\": \"<|pad|>\"}}");
        write("config.json", "{\"bos_token_id\": 1, \"eos_token_id\": [0, 2]}");
        try (TextAssets assets = TextAssets.load(folder)) {
            assertEquals(
                    Map.of(
                            "pad_token", "<|pad|>",
                            "bos_token", "<|start|>",
                            "eos_token", "<|end|>"),
                    assets.specials().byRole());
            assertTrue(assets.template().isEmpty());
            var e = assertThrows(ConfigException.class, assets::chat);
            assertTrue(e.getMessage().contains("chat_template_path"), e.getMessage());
        }
    }

    @Test
    void choosesTheTemplateForTools() throws IOException {
        copyTokenizer();
        write(
                "tokenizer_config.json",
                """
                {"chat_template": [{"name": "default", "template": "plain"},
                                   {"name": "tool_use", "template": "tools: {{ tools }}"}]}
                """);
        try (TextAssets assets = TextAssets.load(folder)) {
            assertEquals("plain", render(assets, List.of()));
            assertEquals("tools: ['f']", render(assets, List.of("f")));
            assertEquals("plain", assets.template().orElseThrow().source());
        }
    }

    @Test
    void aTemplateFileBeatsTheConfiguration() throws IOException {
        copyTokenizer();
        write("tokenizer_config.json", "{\"chat_template\": \"configured\"}");
        try (TextAssets assets = TextAssets.load(folder)) {
            assertEquals("configured", render(assets, List.of()));
        }
        write("chat_template.jinja", "file");
        try (TextAssets assets = TextAssets.load(folder)) {
            assertEquals("file", render(assets, List.of()));
        }
    }

    @Test
    void readsTheOlderTemplateFile() throws IOException {
        copyTokenizer();
        write("chat_template.json", "{\"chat_template\": \"older\"}");
        try (TextAssets assets = TextAssets.load(folder)) {
            assertEquals("older", render(assets, List.of()));
        }
    }

    @Test
    void buildsFromParts() throws IOException {
        String json = Files.readString(TinyModel.folder().resolve("tokenizer.json"));
        var specials = new SpecialTokens(Map.of("eos_token", "<|end|>"));
        try (TextAssets assets =
                TextAssets.of("model.gguf", json, specials, Optional.of("{{ eos_token }}"))) {
            assertEquals("<|end|>", render(assets, List.of()));
            assertEquals(0, assets.tokenizer().eosId().orElseThrow());
        }
    }

    @Test
    void saysWhatIsMissing() throws IOException {
        var e = assertThrows(ModelException.class, () -> TextAssets.load(folder));
        assertTrue(e.getMessage().contains("tokenizer.json is missing"), e.getMessage());
        e = assertThrows(ModelException.class, () -> TextAssets.load(folder.resolve("none")));
        assertTrue(e.getMessage().contains("is not a model folder"), e.getMessage());
        copyTokenizer();
        write("tokenizer_config.json", "{\"a\": }");
        e = assertThrows(ModelException.class, () -> TextAssets.load(folder));
        assertTrue(e.getMessage().contains("tokenizer_config.json, line 1"), e.getMessage());
        write(
                "tokenizer_config.json",
                "{\"added_tokens_decoder\": {\"300\": {\"content\": \"<tool>\"}}}");
        e = assertThrows(ModelException.class, () -> TextAssets.load(folder));
        assertTrue(e.getMessage().contains("\"<tool>\" (id 300)"), e.getMessage());
        write("tokenizer_config.json", "{\"chat_template\": \"{% if %}\"}");
        assertThrows(ModelException.class, () -> TextAssets.load(folder));
    }

    @Test
    void linksOutOfTheFolderAreRefused(@TempDir Path elsewhere) throws IOException {
        copyTokenizer();
        Path secret = Files.writeString(elsewhere.resolve("secret"), "a key");
        Path link = folder.resolve("chat_template.jinja");
        Files.createSymbolicLink(link, secret);
        String message =
                assertThrows(ModelException.class, () -> TextAssets.load(folder)).getMessage();
        assertTrue(message.contains(secret.toRealPath().toString()), message);
        Files.delete(link);
        write("templates/chat.jinja", "{{ messages[0].content }}");
        Files.createSymbolicLink(link, Path.of("templates/chat.jinja"));
        try (TextAssets assets = TextAssets.load(folder)) {
            assertEquals("hi", render(assets, List.of()));
        }
    }

    /// The Hub's cache has a folder of links to files named by their hashes.
    @Test
    void linksOfTheHubsCacheAreFollowed() throws IOException {
        Path model = folder.resolve("models--org--name");
        Path snapshot = Files.createDirectories(model.resolve("snapshots/1"));
        Files.createDirectories(model.resolve("blobs"));
        Files.copy(TinyModel.folder().resolve("tokenizer.json"), model.resolve("blobs/a"));
        Files.writeString(model.resolve("blobs/b"), "{{ messages[0].content }}");
        Files.createSymbolicLink(snapshot.resolve("tokenizer.json"), Path.of("../../blobs/a"));
        Files.createSymbolicLink(snapshot.resolve("chat_template.jinja"), Path.of("../../blobs/b"));
        try (TextAssets assets = TextAssets.load(snapshot)) {
            assertEquals("hi", render(assets, List.of()));
        }
    }
}
