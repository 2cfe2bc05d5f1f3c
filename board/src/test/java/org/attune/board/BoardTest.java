package org.attune.board;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
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
import org.attune.error.ConfigException;
import org.attune.hash.Sha256;
import org.attune.images.Picture;
import org.attune.json.Json;
import org.attune.reports.page.RunFolderSample;
import org.attune.text.Conversation;
import org.attune.text.Message;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/// What a board answers, without a browser.
@Timeout(60)
class BoardTest {
    private static final Path PICTURE =
            Path.of(System.getProperty("attune.root", ".."), "examples/quickstart/look.png");

    @TempDir Path root;
    private final HttpClient client = HttpClient.newHttpClient();
    private Board board;
    private String token;
    private Process worker;

    @BeforeEach
    void open() throws IOException {
        worker = new ProcessBuilder("sleep", "60").start();
        RunFolderSample.write(root.resolve("one"), 30);
        BoardSample.running(root.resolve("deeper/two"), worker);
        start(c -> c);
    }

    private void start(UnaryOperator<BoardConfig> change) {
        if (board != null) {
            board.close();
        }
        BoardConfig config =
                BoardConfig.of(List.of(root)).withPort(0).withPairs(root.resolve("pairs.jsonl"));
        board = Board.open(change.apply(config), BoardSample.commands());
        token = board.url().getQuery().replaceFirst("token=", "");
    }

    @AfterEach
    void close() {
        board.close();
        worker.destroyForcibly();
        client.close();
    }

    private HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(board.url().resolve(path))
                .header("Authorization", "Bearer " + token)
                .header("Content-Type", "application/json");
    }

    private HttpResponse<String> send(HttpRequest.Builder request) throws Exception {
        return client.send(request.build(), BodyHandlers.ofString());
    }

    private String get(String path) throws Exception {
        HttpResponse<String> response = send(request(path));
        assertEquals(200, response.statusCode(), response.body());
        return response.body();
    }

    private HttpResponse<String> post(String path, String body) throws Exception {
        return send(request(path).POST(BodyPublishers.ofString(body)));
    }

    private String id(String name) throws Exception {
        for (JsonNode run : Json.tree(get("/api/runs"))) {
            if (run.path("name").asText().equals(name)) {
                return run.path("id").asText();
            }
        }
        throw new AssertionError("no run " + name);
    }

    @Test
    void runsAreFoundWithWhereTheyStand() throws Exception {
        JsonNode runs = Json.tree(get("/api/runs"));
        assertEquals(2, runs.size());
        JsonNode two = runs.get(0);
        assertEquals("deeper/two", two.path("name").asText());
        assertEquals("running", two.path("state").asText());
        assertEquals("base", two.path("model").asText());
        assertEquals(10, two.path("line").size());
        JsonNode one = runs.get(1);
        assertEquals("finished", one.path("state").asText());
        assertEquals(0.75, one.at("/held_out/after").asDouble());
        worker.destroyForcibly().waitFor();
        Thread.sleep(1100); // a list is kept for a second
        assertEquals("dead", Json.tree(get("/api/runs")).get(0).path("state").asText());
    }

    @Test
    void sweepsAreToldWithTheirTrials() throws Exception {
        assertEquals(0, Json.tree(get("/api/sweeps")).size());
        Path folder = BoardSample.sweep(root.resolve("tried/rates"), worker);
        Thread.sleep(1100); // a list is kept for a second
        JsonNode all = Json.tree(get("/api/sweeps"));
        assertEquals(1, all.size());
        assertEquals("tried/rates", all.get(0).path("name").asText());
        assertEquals(3, all.get(0).path("trials").asInt());
        String path = "/api/sweeps/" + all.get(0).path("id").asText();
        JsonNode sweep = Json.tree(get(path));
        assertEquals("running", sweep.path("state").asText());
        assertEquals("[\"learning_rate\"]", sweep.path("keys").toString());
        assertEquals("eval_loss", sweep.path("metric").asText());
        assertEquals(2, sweep.path("best").asInt());
        assertEquals("1e-3", sweep.at("/trials/1/values/learning_rate").asText());
        assertEquals("[[20,1.0],[40,0.75]]", sweep.at("/trials/2/line").toString());
        assertEquals(
                id("tried/rates/trial-003"), sweep.at("/runs/trial-003/id").asText(), "a link");
        assertEquals(404, send(request(path + "/best")).statusCode());
        assertEquals(404, send(request("/api/sweeps/0123456789ab")).statusCode());
        Files.writeString(folder.resolve("best.yaml"), "learning_rate: 1e-3\n");
        assertEquals("learning_rate: 1e-3\n", get(path + "/best"));
        worker.destroyForcibly().waitFor();
        Thread.sleep(1100);
        assertEquals("finished", Json.tree(get(path)).path("state").asText());
        // A journal or a file that links to elsewhere isn't read.
        Path other = Files.createDirectories(root.resolveSibling(root.getFileName() + "-other"));
        Files.move(folder.resolve("best.yaml"), other.resolve("best.yaml"));
        Files.createSymbolicLink(folder.resolve("best.yaml"), other.resolve("best.yaml"));
        assertEquals(404, send(request(path + "/best")).statusCode());
        Files.move(folder.resolve("sweep.jsonl"), other.resolve("sweep.jsonl"));
        Files.createSymbolicLink(folder.resolve("sweep.jsonl"), other.resolve("sweep.jsonl"));
        assertEquals(404, send(request(path)).statusCode());
        for (String name : List.of("best.yaml", "sweep.jsonl")) {
            Files.delete(other.resolve(name));
        }
        Files.delete(other);
    }

    @Test
    void oneBrokenFolderHidesNoOther() throws Exception {
        Files.createDirectories(root.resolve("broken"));
        Files.writeString(root.resolve("broken/run.json"), "{\"state\": 5}");
        Path secret =
                Files.writeString(Files.createDirectories(root.resolve("../x")).resolve("s"), "");
        Files.createDirectories(root.resolve("linked"));
        Files.copy(root.resolve("one/run.json"), root.resolve("linked/run.json"));
        Files.createSymbolicLink(root.resolve("linked/metrics.jsonl"), secret.toRealPath());
        assertEquals(
                2, Json.tree(get("/api/runs")).size(), "neither broken nor a link to elsewhere");
        Files.delete(secret);
    }

    @Test
    void pagesShowTextsAsTexts() throws Exception {
        String page = get("/runs/" + id("one"));
        assertFalse(page.contains("<img"), "a completion became markup");
        assertTrue(page.contains("data-room=\"completions\""), page);
        assertTrue(page.contains("data-offset=\"" + Files.size(root.resolve("one/metrics.jsonl"))));
        String both = get("/compare?ids=" + id("one") + "," + id("deeper/two"));
        assertTrue(both.contains("Keys that differ"), both);
        assertEquals(400, send(request("/compare?ids=" + id("one"))).statusCode());
        assertEquals(404, send(request("/runs/0123456789ab")).statusCode());
        String report = get("/api/report?ids=" + id("one"));
        assertTrue(report.startsWith("<!DOCTYPE html>"), report.substring(0, 50));
        for (String path : List.of("/", "/chat", "/label", "/serve", "/new")) {
            assertTrue(get(path).contains("aria-current=\"page\""), path);
        }
    }

    @Test
    void completionsOfEachRecordedStepAreThere() throws Exception {
        String at = "/api/runs/" + id("one") + "/completions";
        assertEquals("[10, 30]", get(at));
        JsonNode round = Json.tree(get(at + "/10"));
        assertEquals(8, round.size());
        assertEquals(RunFolderSample.HOSTILE, round.get(1).path("completion").asText());
        assertEquals(1.0, round.get(1).path("exact").asDouble());
        assertEquals(1.125, round.get(1).path("sum").asDouble());
        assertEquals(1, round.get(7).path("group").asInt());
        assertTrue(round.get(7).path("polite").isNull());
        assertEquals(404, send(request(at + "/11")).statusCode());
        assertEquals(400, send(request(at + "/../x")).statusCode());
    }

    @Test
    void metricsAreReadFromAByteOn() throws Exception {
        Path run = root.resolve("deeper/two");
        String at = "/api/runs/" + id("deeper/two") + "/metrics?after=";
        HttpResponse<String> all = send(request(at + 0));
        assertEquals(12, all.body().lines().count());
        String offset = all.headers().firstValue("Attune-Offset").orElseThrow();
        assertEquals("", get(at + offset));
        BoardSample.log(run, 11, 0.5);
        BoardSample.append(run, "{\"step\":12,"); // half a line
        assertEquals(1, get(at + offset).lines().count());
        assertTrue(get(at + offset).contains("\"step\":11"));
        assertEquals(400, send(request(at + "x")).statusCode());
    }

    @Test
    void eventsTellLinesStatesAndFilesThatBeginAnew() throws Exception {
        Path run = root.resolve("deeper/two");
        HttpRequest ask = request("/api/runs/" + id("deeper/two") + "/events").build();
        try (var body = client.send(ask, BodyHandlers.ofInputStream()).body()) {
            var lines = new BufferedReader(new InputStreamReader(body, StandardCharsets.UTF_8));
            assertTrue(event(lines, "state").contains("\"running\""));
            BoardSample.log(run, 11, 0.125);
            String told = event(lines, "lines");
            assertEquals(0.125, Json.tree(told).get(0).path("loss").asDouble());
            RunFolderSample.metrics(root.resolve("other"), 20);
            Files.move(
                    root.resolve("other/metrics.jsonl"),
                    run.resolve("metrics.jsonl"),
                    StandardCopyOption.REPLACE_EXISTING); // as a resumed run does
            event(lines, "anew");
            worker.destroyForcibly();
            assertTrue(event(lines, "state").contains("\"dead\""));
        }
    }

    /// The data of the next event of a kind.
    private static String event(BufferedReader lines, String kind) throws IOException {
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            if (line.equals("event: " + kind)) {
                return lines.readLine().substring("data: ".length());
            }
        }
        throw new AssertionError("the stream ended before " + kind);
    }

    @Test
    void aRunIsStoppedByItsOwnProcessOnly() throws Exception {
        String at = "/api/runs/%s/stop";
        assertEquals(409, post(at.formatted(id("one")), "{}").statusCode());
        Path card = root.resolve("deeper/two/run.json");
        String text = Files.readString(card);
        Files.writeString(
                card, text.replaceFirst("(process_started\": \")[^\"]*", "$12020-01-01T00:00:00Z"));
        assertEquals(
                409, post(at.formatted(id("deeper/two")), "{}").statusCode(), "another's number");
        Files.writeString(card, text);
        assertTrue(worker.isAlive());
        HttpResponse<String> stopped = post(at.formatted(id("deeper/two")), "{}");
        assertEquals(200, stopped.statusCode(), stopped.body());
        assertTrue(worker.waitFor(5, TimeUnit.SECONDS));
        assertEquals(143, worker.exitValue()); // SIGTERM
    }

    @Test
    void onlyWhoHasTheAddressComesIn() throws Exception {
        URI plain = board.url().resolve("/");
        for (String path :
                List.of("/", "/api/runs", "/runs/x", "/assets/common.js", "/?token=wrong")) {
            var ask = HttpRequest.newBuilder(plain.resolve(path)).header("Accept", "text/html");
            HttpResponse<String> response = send(ask);
            assertEquals(401, response.statusCode(), path);
            assertTrue(response.body().contains("open the address"), response.body());
        }
        HttpResponse<String> first = send(HttpRequest.newBuilder(board.url()));
        String cookie = first.headers().firstValue("Set-Cookie").orElseThrow();
        assertTrue(cookie.endsWith("; Path=/; HttpOnly; SameSite=Strict"), cookie);
        String own = cookie.substring(0, cookie.indexOf(';'));
        HttpResponse<String> page =
                send(HttpRequest.newBuilder(plain).header("Cookie", "a=b; " + own));
        assertEquals(200, page.statusCode());
        String policy = page.headers().firstValue("Content-Security-Policy").orElseThrow();
        assertTrue(policy.startsWith("default-src 'none'; script-src 'self';"), policy);
        assertEquals("no-referrer", page.headers().firstValue("Referrer-Policy").orElseThrow());
        assertEquals(
                401, send(HttpRequest.newBuilder(plain).header("Cookie", own + "0")).statusCode());
    }

    @Test
    void pagesOfStrangersChangeNothing() throws Exception {
        String stop = "/api/runs/" + id("deeper/two") + "/stop";
        var evil = request(stop).header("Origin", "https:" + "//evil.example");
        assertEquals(403, send(evil.POST(BodyPublishers.ofString("{}"))).statusCode());
        var cross = request(stop).header("Sec-Fetch-Site", "cross-site");
        assertEquals(403, send(cross.POST(BodyPublishers.ofString("{}"))).statusCode());
        var form = request(stop).setHeader("Content-Type", "text/plain");
        assertEquals(415, send(form.POST(BodyPublishers.ofString("{}"))).statusCode());
        assertEquals(405, send(request("/api/pairs")).statusCode(), "no change by a GET");
        try (var socket = new Socket(board.url().getHost(), board.url().getPort())) {
            socket.getOutputStream()
                    .write(
                            "GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"
                                    .getBytes(StandardCharsets.UTF_8));
            assertTrue(
                    new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8)
                            .startsWith("HTTP/1.1 421"));
        }
        assertTrue(worker.isAlive());
        for (String path :
                List.of(
                        "/assets/../page.html",
                        "/assets/%2e%2e%2fpage.html",
                        "/assets/Board.class")) {
            assertEquals(404, send(request(path)).statusCode(), path);
        }
    }

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
            assertEquals(400, last.statusCode());
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

    @Test
    void runsAreStartedWhereItIsAllowed() throws Exception {
        String check = post("/api/check", "{\"method\":\"dpo\",\"yaml\":\"wrong: 1\"}").body();
        assertEquals("[\"run.yaml:1: a key is wrong\"]", check);
        assertEquals("[]", post("/api/check", "{\"method\":\"dpo\",\"yaml\":\"a: 1\"}").body());
        String slow = "{\"method\":\"dpo\",\"yaml\":\"slow: 1\"}";
        assertEquals(403, post("/api/queue", slow).statusCode());
        start(c -> c.withStartsRuns(true));
        for (String yaml : List.of("wrong: 1", "outside: 1")) {
            HttpResponse<String> refused =
                    post("/api/queue", "{\"method\":\"dpo\",\"yaml\":\"" + yaml + "\"}");
            assertEquals(400, refused.statusCode(), refused.body());
        }
        assertEquals(403, post("/api/queue", slow.replace("slow", "program")).statusCode());
        assertEquals(200, post("/api/queue", slow).statusCode());
        assertEquals(200, post("/api/queue", slow.replace("slow", "quick")).statusCode());
        assertEquals(List.of("running", "waiting"), states());
        assertEquals(200, post("/api/queue/cancel", "{\"number\":1}").statusCode());
        for (int i = 0; i < 100 && !states().equals(List.of("stopped", "finished")); i++) {
            Thread.sleep(50);
        }
        assertEquals(List.of("stopped", "finished"), states());
        assertEquals("trained\n", Files.readString(root.resolve("board-run-2.log")));
    }

    private List<String> states() throws Exception {
        return Json.tree(get("/api/queue")).path("items").findValuesAsText("state");
    }

    @Test
    void theHistoryOfAStoreIsShown() throws Exception {
        String place = BoardSample.store(root);
        start(c -> c.withFeedback(place));
        JsonNode history = Json.tree(get("/api/learning"));
        String side = history.at("/sides/0").asText();
        assertTrue(side.startsWith("helper answered by helper: 1 answers, 1 judgements"), side);
        JsonNode back = history.at("/releases/0");
        assertTrue(back.path("in_force").asBoolean());
        assertEquals("", back.path("adapter").asText());
        JsonNode first = history.at("/releases/1");
        assertFalse(first.path("in_force").asBoolean());
        assertEquals(id("one"), first.path("run").asText());
        assertEquals("better by +0.5", first.path("evidence").asText());
    }

    @Test
    void whatIsMissingIsSaid() throws Exception {
        HttpResponse<String> chat = post("/api/chat", "{\"messages\":[]}");
        assertEquals(404, chat.statusCode());
        assertTrue(chat.body().contains("--model MODEL"), chat.body());
        assertTrue(send(request("/api/label")).body().contains("--label"));
        assertThrows(
                ConfigException.class, () -> start(c -> c.withRoots(List.of(root.resolve("no")))));
    }
}
