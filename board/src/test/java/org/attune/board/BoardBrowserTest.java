package org.attune.board;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;

import org.attune.json.Json;
import org.attune.reports.page.RunFolderSample;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.TimeUnit;

/// The board in Chromium, where it and its driver are installed: what is live, what is lost by a
/// reload, what is judged, what is hard to reach, and that nothing is asked of anybody else.
@Tag("thorough")
class BoardBrowserTest {
    private static final int MOST_BYTES = 300_000;

    @TempDir static Path profile;
    @TempDir Path root;
    private static BrowserSession browser;
    private static HttpServer models;
    private static volatile String judged = "";
    private static volatile JsonNode asked;
    private Board board;
    private Process worker;
    private Path two;

    @BeforeAll
    static void startBrowser() throws IOException {
        if (!BrowserSession.isThere()) {
            System.out.println("skipped: no chromium and chromedriver on the PATH");
        }
        assumeTrue(BrowserSession.isThere());
        browser = BrowserSession.open(1280, profile);
        models = models();
    }

    @AfterAll
    static void endBrowser() {
        if (browser != null) {
            browser.close();
            models.stop(0);
        }
    }

    /// A server with two models that say their own name, token by token.
    private static HttpServer models() throws IOException {
        var server = HttpServer.create(new InetSocketAddress("localhost", 0), 8);
        server.createContext(
                "/v1/models",
                exchange ->
                        answer(
                                exchange,
                                "{\"data\": [{\"id\": \"one\"}, {\"id\": \"two\", \"parent\":"
                                        + " \"one\"}]}"));
        server.createContext(
                "/v1/feedback",
                exchange -> {
                    judged =
                            new String(
                                    exchange.getRequestBody().readAllBytes(),
                                    StandardCharsets.UTF_8);
                    answer(exchange, "{}");
                });
        server.createContext(
                "/metrics", exchange -> answer(exchange, "attune:num_requests_running 3\n"));
        server.createContext(
                "/v1/chat/completions",
                exchange -> {
                    JsonNode question =
                            Json.tree(
                                    new String(
                                            exchange.getRequestBody().readAllBytes(),
                                            StandardCharsets.UTF_8));
                    asked = question;
                    exchange.getResponseHeaders().set("Content-Type", "text/event-stream");
                    exchange.sendResponseHeaders(200, 0);
                    try (var out = exchange.getResponseBody()) {
                        for (String token :
                                List.of(
                                        "I",
                                        " am",
                                        " " + question.path("model").asText(),
                                        " <b>")) {
                            String event =
                                    """
                                    data: {"id": "answer-%2$s", "choices": [{"delta": {"content": "%1$s"}, "logprobs": {"content": [{"token": "%1$s", "logprob": -0.5, "top_logprobs": [{"token": "we", "logprob": -1.5}]}]}}]}

                                    """
                                            .formatted(token, question.path("model").asText());
                            out.write(event.getBytes(StandardCharsets.UTF_8));
                            out.flush();
                        }
                        out.write("data: [DONE]\n\n".getBytes(StandardCharsets.UTF_8));
                    }
                });
        server.start();
        return server;
    }

    private static void answer(HttpExchange exchange, String text) throws IOException {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(200, bytes.length);
        try (var out = exchange.getResponseBody()) {
            out.write(bytes);
        }
    }

    @BeforeEach
    void open() throws IOException {
        worker = new ProcessBuilder("sleep", "600").start();
        RunFolderSample.write(root.resolve("one"), 30);
        RunFolderSample.write(root.resolve("other"), 12);
        two = BoardSample.running(root.resolve("two"), worker);
        Files.writeString(
                root.resolve("answers.jsonl"),
                """
                {"prompt": "p", "completions": ["first <b>", "second"]}
                {"prompt": "q", "completions": ["third", "fourth"]}
                """);
        BoardConfig config =
                BoardConfig.of(List.of(root))
                        .withPort(0)
                        .withAnswers(root.resolve("answers.jsonl"))
                        .withServer(
                                URI.create(
                                        "%s://localhost:%d/v1"
                                                .formatted("http", models.getAddress().getPort())))
                        .withPairs(root.resolve("pairs.jsonl"))
                        .withFeedback(BoardSample.store(root));
        board = Board.open(config, BoardSample.commands());
        browser.complaints();
        browser.go(board.url());
        browser.await("document.querySelectorAll('#rows tr').length === 3");
    }

    @AfterEach
    void close() {
        if (board != null) {
            assertEquals(List.of(), browser.complaints());
            board.close();
            worker.destroyForcibly();
        }
    }

    private void go(String path) {
        browser.go(board.url().resolve(path));
    }

    private void openRun(String name) {
        browser.run(
                "[...document.querySelectorAll('#rows a')].find(a => a.textContent === '%s').click()"
                        .formatted(name));
        browser.await("document.querySelector('figure[data-points]') !== null");
    }

    private static String points(String chart) {
        return "Number([...document.querySelectorAll('figure')].find(f => f.querySelector('figcaption').textContent === '%s').dataset.points)"
                .formatted(chart);
    }

    @Test
    void theTokenLeavesTheAddress() {
        assertFalse(browser.value("location.href").asText().contains("token"));
        assertEquals("", browser.value("document.cookie").asText(), "no script reads it");
    }

    @Test
    void curvesGrowWhileARunWorksAndAReloadLosesNothing() throws Exception {
        openRun("two");
        int before = browser.value(points("loss")).asInt();
        BoardSample.log(two, 11, 0.25);
        BoardSample.log(two, 12, 0.125);
        browser.await(points("loss") + " === " + (before + 2));
        browser.reload();
        browser.await("document.querySelector('figure[data-points]') !== null");
        assertEquals(before + 2, browser.value(points("loss")).asInt());
        assertEquals(
                "running",
                browser.value("document.querySelector('.state-of').textContent").asText());
        // What has no curve yet gets one.
        BoardSample.append(two, "{\"step\":13,\"eval_loss\":0.5}\n");
        browser.await("document.body.textContent.includes('eval_loss')");
        Files.writeString(
                two.resolve("run.json"),
                Files.readString(two.resolve("run.json")).replace("\"running\"", "\"finished\""));
        browser.await("document.querySelector('.state-of')?.textContent === 'finished'");
        browser.await("document.getElementById('stop')?.hidden === true");
    }

    @Test
    void aRunIsStoppedByTwoClicks() throws Exception {
        openRun("two");
        browser.await("document.getElementById('stop')?.hidden === false");
        browser.click("#stop");
        assertTrue(worker.isAlive());
        browser.click("#stop");
        assertTrue(worker.waitFor(10, TimeUnit.SECONDS));
        browser.await("document.querySelector('.state-of')?.textContent === 'dead'");
    }

    @Test
    void completionsAreSearchedAndStayTexts() {
        openRun("one");
        String rows = "document.querySelectorAll('#completions-table tbody tr').length";
        browser.await(rows + " === 8");
        assertEquals(0, browser.value("document.querySelectorAll('#page img').length").asInt());
        assertEquals(
                "30", browser.value("document.getElementById('step-shown').textContent").asText());
        browser.type("#search", "completion 4");
        browser.await(rows + " === 1");
        browser.run(
                "search.value = ''; bounded.value = 'exact'; least.value = 1;"
                        + " least.dispatchEvent(new Event('input'))");
        browser.await(rows + " === 2");
        browser.run(
                "least.value = ''; sort.value = '-polite'; sort.dispatchEvent(new"
                        + " Event('change'))");
        browser.await(
                "document.querySelector('#completions-table tbody"
                        + " td').textContent.startsWith('completion 6')");
        browser.run("step.value = 0; step.dispatchEvent(new Event('input'))");
        browser.await(
                "document.querySelector('#completions-table tbody td').textContent.endsWith('of"
                        + " step 10')");
        browser.click("[data-room=rows] button");
        browser.await(
                "document.querySelector('[data-room=rows] pre').textContent === 'rows of grpo <b>as"
                        + " text</b>'");
    }

    @Test
    void runsAreComparedFromTheirList() {
        browser.run(
                "document.querySelectorAll('#rows input').forEach((box, i) => i > 0 &&"
                        + " box.click())");
        browser.click("#compare");
        browser.await("document.querySelectorAll('canvas').length > 3");
        String text = browser.value("document.querySelector('main').textContent").asText();
        assertTrue(text.contains("Keys that differ") && text.contains("learning_rate"), text);
        assertTrue(text.contains("95 % interval"), "paired differences");
        assertTrue(text.contains("question 1"), "answers side by side");
    }

    private void openSweep() {
        go("/");
        browser.await("document.querySelector('#sweeps a') !== null");
        browser.click("#sweeps a");
        browser.await("document.querySelectorAll('#trials tr').length === 3");
    }

    @Test
    void aSweepShowsItsTrialsTheBestOneFirst() throws Exception {
        Path folder = BoardSample.sweep(root.resolve("rates"), worker);
        openSweep();
        assertEquals(
                "trial 2 best|finished|1e-3|0.25|",
                browser.value(
                                "[...document.querySelector('#trials tr').children].map(c =>"
                                        + " c.textContent + '|').join('')")
                        .asText()
                        .replace("||", "|"));
        assertEquals(0, browser.value("document.querySelectorAll('#trials b').length").asInt());
        browser.await("document.getElementById('curves').dataset.curves === '3'");
        assertEquals(3, browser.value("document.querySelectorAll('#trials svg').length").asInt());
        assertEquals(
                2, browser.value("document.querySelectorAll('#parallel polyline').length").asInt());
        assertTrue(browser.value("document.getElementById('take').hidden").asBoolean());
        // A trial that goes on, and the file that is written at the end, are seen by themselves.
        BoardSample.append(folder.resolve("trial-003"), "{\"step\":60,\"eval_loss\":0.125}\n");
        browser.await(
                "document.querySelector('#trials tr:last-child svg').getAttribute('aria-label') ==="
                        + " 'eval_loss from 1 to 0.125'");
        Files.writeString(folder.resolve("best.yaml"), "learning_rate: 1e-3\n");
        browser.await("!document.getElementById('take').hidden");
        browser.click("#trials a");
        browser.await("document.querySelector('figure[data-points]') !== null");
        assertTrue(browser.value("document.title").asText().contains("rates/trial-002"));
    }

    @Test
    void aJudgedChatIsAPair() throws Exception {
        go("/chat");
        browser.await("document.getElementById('model-b').value === 'two'");
        browser.type("#message", "Who are you?");
        browser.click("#send");
        browser.await("!document.getElementById('judge').hidden");
        assertEquals(
                "I am one <b>",
                browser.value("document.querySelector('#turns-a .answer').textContent").asText());
        assertEquals(
                0, browser.value("document.querySelectorAll('#turns-a .answer b').length").asInt());
        browser.run(
                "document.querySelector('#turns-a .answer span').dispatchEvent(new"
                        + " MouseEvent('mouseover', {bubbles: true}))");
        assertTrue(
                browser.value("document.querySelector('#turns-a .alternatives').textContent")
                        .asText()
                        .contains("\"we\" 22.3 %"));
        browser.click("#judge button[data-choice=second]");
        browser.await("document.getElementById('told').textContent.includes('1 pair')");
        JsonNode row = Json.tree(Files.readString(root.resolve("pairs.jsonl")));
        assertEquals("Who are you?", row.at("/prompt/0/content").asText());
        assertEquals("I am two <b>", row.at("/chosen/0/content").asText());
        assertEquals("I am one <b>", row.at("/rejected/0/content").asText());
        assertEquals("answer-two", Json.tree(judged).path("id").asText());
        assertEquals("answer-one", Json.tree(judged).path("better_than").asText());
    }

    @Test
    void aPictureIsShownAskedAndKeptInThePair() throws Exception {
        Path picture =
                Path.of(System.getProperty("attune.root", ".."), "examples/quickstart/look.png");
        go("/chat");
        browser.await("document.getElementById('model-b').value === 'two'");
        browser.type("#pictures", picture.toRealPath().toString());
        browser.type("#message", "Which digits?");
        browser.click("#send");
        browser.await("!document.getElementById('judge').hidden");
        browser.await("document.querySelector('#turns-a img').naturalWidth > 0");
        String address =
                "data:image/png;base64,"
                        + Base64.getEncoder().encodeToString(Files.readAllBytes(picture));
        JsonNode content = asked.at("/messages/0/content");
        assertEquals(address, content.at("/0/image_url/url").asText());
        assertEquals("Which digits?", content.at("/1/text").asText());
        browser.click("#judge button[data-choice=first]");
        browser.await("document.getElementById('told').textContent.includes('1 pair')");
        JsonNode row = Json.tree(Files.readString(root.resolve("pairs.jsonl")));
        assertEquals(content, row.at("/prompt/0/content"));
        browser.type("#message", "And now?"); // chosen files are shown once
        browser.click("#send");
        browser.await("!document.getElementById('judge').hidden");
        assertEquals("And now?", asked.at("/messages/2/content").asText());
    }

    @Test
    void answersAreJudgedByKeys() throws Exception {
        go("/label");
        browser.await("!document.getElementById('question').hidden");
        String left = browser.value("document.getElementById('first').textContent").asText();
        browser.type("body", "1");
        browser.await("document.getElementById('count').textContent.includes('1 pair')");
        browser.type("body", "s");
        browser.await("document.getElementById('question').hidden");
        JsonNode row = Json.tree(Files.readString(root.resolve("pairs.jsonl")));
        assertEquals(left, row.path("chosen").asText());
        assertNotEquals(left, row.path("rejected").asText());
        browser.reload();
        browser.await("!document.getElementById('question').hidden");
        assertTrue(
                browser.value("document.getElementById('count').textContent")
                        .asText()
                        .startsWith("1 to judge"));
    }

    @Test
    void picturesStandInThePromptThatIsJudged() throws Exception {
        Path picture =
                Path.of(System.getProperty("attune.root", ".."), "examples/quickstart/look.png")
                        .toRealPath();
        Files.writeString(
                root.resolve("answers.jsonl"),
                """
                {"images": ["%s"], "prompt": [{"role": "user", "content": "Look: <image> <b>?"}], "completions": ["first", "second"]}
                """
                        .formatted(picture));
        go("/label");
        browser.await("document.querySelector('#prompt img')?.naturalWidth === 32");
        assertEquals(
                "user: Look:  <b>?",
                browser.value("document.getElementById('prompt').textContent").asText());
        String left = browser.value("document.getElementById('first').textContent").asText();
        browser.type("body", "1");
        browser.await("document.getElementById('count').textContent.includes('1 pair')");
        JsonNode row = Json.tree(Files.readString(root.resolve("pairs.jsonl")));
        assertEquals(picture.toString(), row.at("/prompt/0/content/1/image").asText());
        assertEquals(left, row.at("/chosen/0/content").asText());
    }

    @Test
    void filesAreCheckedAndFiguresShown() {
        go("/new");
        browser.run("document.getElementById('yaml').value = 'wrong: 1'");
        browser.click("#run button[type=submit]");
        browser.await(
                "document.getElementById('problems').textContent.includes('run.yaml:1: a key is"
                        + " wrong')");
        go("/serve");
        browser.await(
                "document.getElementById('tiles').textContent.includes('answers under way3')");
        go("/learn");
        browser.await(
                "document.querySelector('#releases a')?.getAttribute('href').startsWith('/runs/')");
    }

    @Test
    void pagesAreSmallReachableAndAskNobodyElse() throws Exception {
        String axe;
        try (InputStream in = BoardBrowserTest.class.getResourceAsStream("/axe.min.js")) {
            axe = new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
        List<String> links = links();
        String ids =
                String.join(
                        ",",
                        links.subList(1, 3).stream().map(l -> l.replace("/runs/", "")).toList());
        BoardSample.sweep(root.resolve("rates"), worker);
        openSweep();
        String sweep = browser.value("location.pathname").asText();
        for (String page :
                List.of(
                        "/",
                        sweep,
                        links.get(0),
                        links.get(1),
                        "/compare?ids=" + ids,
                        "/chat",
                        "/label",
                        "/serve",
                        "/learn",
                        "/new")) {
            browser.traffic();
            go(page);
            Thread.sleep(500);
            BrowserSession.Traffic traffic = browser.traffic();
            assertTrue(
                    traffic.bytes() > 1000 && traffic.bytes() < MOST_BYTES,
                    page + ": " + traffic.bytes() + " bytes");
            for (String url : traffic.urls()) {
                assertTrue(
                        url.startsWith(board.url().resolve("/").toString())
                                || url.startsWith("data:"),
                        page + " asked for " + url);
            }
            browser.run("document.querySelectorAll('details').forEach(d => d.open = true)");
            for (String scheme : List.of("light", "dark")) {
                browser.scheme(scheme);
                for (int width : new int[] {1280, 400}) {
                    browser.width(width);
                    browser.run(axe);
                    String found =
                            browser.later(
                                            "const done = arguments[arguments.length - 1];"
                                                    + " axe.run(document).then(r =>"
                                                    + " done(r.violations.map(v => v.impact + ' ' +"
                                                    + " v.id + ': ' + v.nodes[0].html).join('\\n"
                                                    + "')), e => done('' + e))")
                                    .asText();
                    assertEquals("", found, page + " " + scheme + " " + width);
                    int wide = browser.value("document.documentElement.scrollWidth").asInt();
                    assertTrue(wide <= width, page + " is " + wide + " wide");
                }
            }
        }
    }

    private static List<String> links() {
        List<String> links = new ArrayList<>();
        browser.value("[...document.querySelectorAll('#rows a')].map(a => a.getAttribute('href'))")
                .forEach(link -> links.add(link.asText()));
        return links;
    }
}
