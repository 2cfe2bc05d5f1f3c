package org.attune.board;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.error.ConfigException;
import org.attune.json.Json;
import org.attune.reports.page.RunFolderSample;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.concurrent.TimeUnit;

/// What a board answers, without a browser.
@Timeout(60)
class BoardTest extends OpenBoard {
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
