package org.attune.board;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import org.attune.datasets.formats.Content;
import org.attune.datasets.formats.DatasetType;
import org.attune.datasets.formats.Sample;
import org.attune.datasets.formats.SampleReader;
import org.attune.datasets.parquet.ParquetColumn;
import org.attune.datasets.parquet.ParquetTable;
import org.attune.datasets.rows.Row;
import org.attune.datasets.rows.RowFiles;
import org.attune.hash.Sha256;
import org.attune.images.Picture;
import org.attune.json.Json;
import org.attune.text.Conversation;
import org.attune.text.Message;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.io.IOException;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/// What is asked of people who judge answers, and the pairs that come of it.
@Timeout(60)
class LabelTest extends OpenBoard {
    private static final Path PICTURE =
            Path.of(System.getProperty("attune.root", ".."), "examples/quickstart/look.png");

    @Test
    void judgementsBecomePairsAndAreAskedOnce() throws Exception {
        Path answers = root.resolve("answers.jsonl");
        Files.writeString(
                answers,
                """
                {"prompt": "p", "completions": ["a", "b", "b", "c"]}
                {"prompt": [{"role": "user", "content": "q"}], "chosen": "x", "rejected": "y"}
                {"prompt": "r", "answers": ["same", "same"]}
                """);
        start(c -> c.withAnswers(answers));
        JsonNode questions = Json.tree(get("/api/label")).path("questions");
        assertEquals(2, questions.size());
        JsonNode first = questions.get(0);
        assertEquals("p", first.path("prompt").asText());
        String body =
                "{\"prompt\": %s, \"first\": %s, \"second\": %s, \"choice\": \"%s\"}"
                        .formatted("\"p\"", first.path("first"), first.path("second"), "second");
        assertEquals(200, post("/api/pairs", body).statusCode());
        JsonNode row = Json.tree(Files.readString(root.resolve("pairs.jsonl")));
        assertEquals(first.path("second"), row.path("chosen"));
        assertEquals(first.path("first"), row.path("rejected"));
        JsonNode chat = questions.get(1);
        assertEquals("assistant", chat.at("/first/0/role").asText());
        String tie =
                "{\"prompt\": %s, \"first\": %s, \"second\": %s, \"choice\": \"tie\"}"
                        .formatted(chat.path("prompt"), chat.path("first"), chat.path("second"));
        assertEquals(200, post("/api/pairs", tie).statusCode());
        assertEquals(0, Json.tree(get("/api/label")).path("open").asInt());
        start(c -> c.withAnswers(answers));
        JsonNode later = Json.tree(get("/api/label"));
        assertEquals(0, later.path("open").asInt(), "also after the board was opened anew");
        assertEquals(1, later.path("pairs").asInt());
        assertEquals(400, post("/api/pairs", body.replace("\"p\"", "[5]")).statusCode());
        assertEquals(
                400, post("/api/pairs", body.replace("\"second\"}", "\"both\"}")).statusCode());
        String ofRun = get("/api/label?run=" + id("one") + "&step=10");
        assertEquals(4, Json.tree(ofRun).path("open").asInt());
    }

    /// A round of chats: a file that took their prompts as text would train without the template.
    @Test
    void pairsOfARoundAreAsItsPromptsWere() throws Exception {
        Object asked = "q";
        Path round = root.resolve("one/completions/completions_00010.parquet");
        rounds(round, asked);
        start(c -> c);
        String path = "/api/label?run=" + id("one") + "&step=10";
        JsonNode question = Json.tree(get(path)).path("questions").get(0);
        String user = "[{\"role\":\"user\",\"content\":\"q\"}]";
        assertEquals(Json.tree(user), question.path("prompt"));
        assertEquals("assistant", question.at("/first/0/role").asText());
        ((ObjectNode) question).put("choice", "first");
        assertEquals(200, post("/api/pairs", question.toString()).statusCode());
        assertEquals(0, Json.tree(get(path)).path("open").asInt());
    }

    /// The run's folder says where a picture is; only a file of the named content is that.
    @Test
    void picturesOfARoundAreThoseThatTheRunSaw() throws Exception {
        String hash = Picture.at("", PICTURE).hash();
        String name = "completions/pictures/" + hash.substring(0, 16);
        Path copy = root.resolve("one").resolve(name + ".png");
        Files.createDirectories(copy.getParent());
        Files.copy(PICTURE, copy);
        Path original = root.resolve("seen.png");
        Files.copy(PICTURE, original);
        Object parts = Json.parse("[{\"type\": \"image\", \"image\": \"%s.png\"}]".formatted(name));
        rounds(root.resolve("one/completions/completions_00010.parquet"), parts);
        start(c -> c);
        String path = "/api/label?run=" + id("one") + "&step=10";
        HttpResponse<String> lost = send(request(path));
        assertEquals(409, lost.statusCode());
        assertTrue(lost.body().contains("step 10 have pictures"), lost.body());
        Path origin = Files.writeString(root.resolve("one").resolve(name + ".txt"), "" + original);
        JsonNode question = Json.tree(get(path)).path("questions").get(0);
        assertEquals(
                200, send(request(question.at("/prompt/0/content/0/image").asText())).statusCode());
        ((ObjectNode) question).put("choice", "second");
        assertEquals(200, post("/api/pairs", question.toString()).statusCode());
        JsonNode row = Json.tree(Files.readString(root.resolve("pairs.jsonl")));
        assertEquals(original.toString(), row.at("/prompt/0/content/0/image").asText());
        assertEquals(0, Json.tree(get(path)).path("open").asInt());
        Path other = root.resolve("one/completions/completions_00010.parquet");
        for (Path wrong : List.of(other, root, root.resolve("none.png"))) {
            Files.writeString(origin, wrong.toString());
            assertEquals(409, send(request(path)).statusCode(), wrong.toString());
        }
    }

    private static void rounds(Path file, Object asked) throws IOException {
        var prompt = List.of(new Message(Map.of("role", "user", "content", asked)));
        var answers = Stream.of("a", "b").map(a -> List.of(Message.of("assistant", a))).toList();
        new ParquetTable(
                        List.of(
                                new ParquetColumn.Conversations("prompt", List.of(prompt, prompt)),
                                new ParquetColumn.Conversations("completion", answers)))
                .write(file);
    }

    /// In each form of a row: the page gets what models see of a picture, and by no path; the pair
    /// is read by DPO from another folder.
    @Test
    void picturesOfRowsAreShownAndKeptInPairs() throws Exception {
        Path data = Files.createDirectories(root.resolve("data"));
        Files.copy(PICTURE, data.resolve("a b.png"));
        String bytes = Base64.getEncoder().encodeToString(Files.readAllBytes(PICTURE));
        Path answers =
                Files.writeString(
                        data.resolve("answers.jsonl"),
                        """
                        {"images": ["a b.png"], "prompt": [{"role": "user", "content": "<image>p"}], "completions": ["a", "b"]}
                        {"prompt": [{"role": "user", "content": [{"type": "image", "image": "a b.png"}, {"type": "text", "text": "q"}]}], "completions": ["a", "b"]}
                        {"prompt": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,%s"}}, {"text": "r"}]}], "chosen": "x", "rejected": "y"}
                        {"prompt": [{"role": "user", "content": "s"}], "completions": ["a", "b"]}
                        """
                                .formatted(bytes));
        start(c -> c.withAnswers(answers));
        JsonNode questions = Json.tree(get("/api/label")).path("questions");
        assertEquals(4, questions.size());
        assertEquals("s", questions.get(3).at("/prompt/0/content").asText());
        String hash = Picture.at("", PICTURE).hash();
        for (JsonNode question : questions) {
            JsonNode part = question.at("/prompt/0/content/0");
            if (part.has("image")) {
                String shown = part.path("image").asText();
                assertTrue(shown.matches("/api/label/pictures/[0-9a-f]{64}"), shown);
                byte[] png = client.send(request(shown).build(), BodyHandlers.ofByteArray()).body();
                assertEquals("32 x 32", Picture.of("", png).size().toString());
            }
            ((ObjectNode) question).put("choice", "first");
            assertEquals(200, post("/api/pairs", question.toString()).statusCode());
        }
        assertEquals(0, Json.tree(get("/api/label")).path("open").asInt());
        var reader = new SampleReader(DatasetType.PREFERENCE, false).seeing();
        int pictures = 0;
        for (Row row : RowFiles.readAll(root.resolve("pairs.jsonl"))) {
            var pair = (Sample.Preference) reader.read(row);
            for (Message message : ((Content.Turns) pair.prompt()).messages()) {
                for (Picture picture : Conversation.pictures(message)) {
                    assertEquals(hash, picture.hash());
                    pictures++;
                }
            }
        }
        assertEquals(3, pictures);
        start(c -> c.withAnswers(answers)); // which forgets what it told
        String gone = questions.get(0).toString().replace("\"p\"", "\"other\"");
        assertTrue(post("/api/pairs", gone).body().contains("reload the page"));
    }

    @Test
    void aPictureThatCannotBeReadLeavesOutItsRowAlone() throws Exception {
        Path answers = root.resolve("answers.jsonl");
        String row =
                "{\"prompt\": [{\"role\": \"user\", \"content\": \"p\"}], \"images\": [%s],"
                        + " \"completions\": [\"a\", \"b\"]}%n";
        Files.writeString(
                answers,
                row.formatted("\"data:image/png;base64,bm9uZQ==\"")
                        + row.formatted("\"none.png\"")
                        + row.formatted("\"" + PICTURE.toAbsolutePath() + "\""));
        start(c -> c.withAnswers(answers));
        JsonNode told = Json.tree(get("/api/label"));
        assertEquals(1, told.path("open").asInt());
        assertEquals(2, told.path("faults").size(), told::toString);
        for (int i = 0; i < 2; i++) {
            String fault = told.path("faults").get(i).asText();
            assertTrue(fault.contains("answers.jsonl:%d: images[0]".formatted(i + 1)), fault);
        }
    }

    @Test
    void noOtherFileIsShownThanRowsName() throws Exception {
        Path answers = root.resolve("answers.jsonl");
        Path secret = root.resolve("secret.png");
        Files.copy(PICTURE, secret);
        String row =
                "{\"prompt\": [{\"role\": \"user\", \"content\": \"p\"}], \"images\": [\"%s\"],"
                        + " \"completions\": [\"a\", \"b\"]}";
        for (String wrong : List.of("none.png", "answers.jsonl", "https:" + "//a.example/a.png")) {
            Files.writeString(answers, row.formatted(wrong));
            start(c -> c.withAnswers(answers));
            HttpResponse<String> told = send(request("/api/label"));
            String shown =
                    Json.tree(told.body()).at("/questions/0/prompt/0/content/0/image").asText();
            HttpResponse<String> last = shown.isEmpty() ? told : send(request(shown));
            assertEquals(shown.isEmpty() ? 200 : 400, last.statusCode());
            assertTrue(last.body().contains("answers.jsonl:1: images[0]"), last.body());
        }
        String place = "/api/label/pictures/";
        for (String name :
                List.of(
                        Sha256.hex(secret.toString()),
                        "secret.png",
                        "..%2f..%2fsecret.png",
                        secret.toString())) {
            assertEquals(404, send(request(place + name)).statusCode(), name);
        }
    }
}
