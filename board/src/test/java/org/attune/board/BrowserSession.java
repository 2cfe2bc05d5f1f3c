package org.attune.board;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import org.attune.json.Json;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// A window of Chromium, led by chromedriver: the WebDriver protocol, as far as tests need it.
final class BrowserSession implements AutoCloseable {
    private static final Pattern STARTED = Pattern.compile("successfully on port (\\d+)");
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final HttpClient client = HttpClient.newHttpClient();
    private final Process driver;
    private final URI session;

    private BrowserSession(Process driver, URI base, int width, Path profile) {
        this.driver = driver;
        String wanted =
                """
                {"capabilities": {"alwaysMatch": {"browserName": "chrome",
                  "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
                  "goog:chromeOptions": {"binary": "%s", "args": ["--headless=new", "--no-sandbox",
                    "--disable-gpu", "--window-size=%d,1000", "--user-data-dir=%s"]}}}}
                """
                        .formatted(program("chromium").orElseThrow(), width, profile);
        String id = send("POST", base.resolve("/session"), wanted).path("sessionId").asText();
        session = base.resolve("/session/" + id + "/");
    }

    /// Whether a browser and its driver are installed.
    static boolean isThere() {
        return program("chromium").isPresent() && program("chromedriver").isPresent();
    }

    private static Optional<Path> program(String name) {
        return List.of(System.getenv().getOrDefault("PATH", "").split(":")).stream()
                .map(folder -> Path.of(folder, name))
                .filter(Files::isExecutable)
                .findFirst();
    }

    static BrowserSession open(int width, Path profile) throws IOException {
        Process driver =
                new ProcessBuilder(program("chromedriver").orElseThrow().toString(), "--port=0")
                        .redirectErrorStream(true)
                        .start();
        var out =
                new BufferedReader(
                        new InputStreamReader(driver.getInputStream(), StandardCharsets.UTF_8));
        for (String line = out.readLine(); line != null; line = out.readLine()) {
            Matcher port = STARTED.matcher(line);
            if (port.find()) {
                URI base = URI.create("%s://127.0.0.1:%s".formatted("http", port.group(1)));
                return new BrowserSession(driver, base, width, profile);
            }
        }
        throw new IOException("chromedriver didn't start");
    }

    private JsonNode send(String method, URI url, String body) {
        try {
            HttpRequest request =
                    HttpRequest.newBuilder(url)
                            .timeout(PATIENCE)
                            .method(
                                    method,
                                    body.isEmpty()
                                            ? BodyPublishers.noBody()
                                            : BodyPublishers.ofString(body))
                            .build();
            var response = client.send(request, BodyHandlers.ofString());
            JsonNode value = Json.tree(response.body()).path("value");
            assertTrue(response.statusCode() == 200, () -> value.path("message").asText());
            return value;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private JsonNode post(String path, ObjectNode body) {
        return send("POST", session.resolve(path), body.toString());
    }

    void go(URI url) {
        post("url", Json.object().put("url", url.toString()));
    }

    void reload() {
        post("refresh", Json.object());
    }

    /// What an expression of JavaScript gives.
    JsonNode value(String expression) {
        ObjectNode body = Json.object().put("script", "return (" + expression + ")");
        body.putArray("args");
        return post("execute/sync", body);
    }

    void run(String script) {
        ObjectNode body = Json.object().put("script", script);
        body.putArray("args");
        post("execute/sync", body);
    }

    /// What a script gives to its callback, `arguments[0]`.
    JsonNode later(String script) {
        ObjectNode body = Json.object().put("script", script);
        body.putArray("args");
        return post("execute/async", body);
    }

    /// Waits until an expression holds.
    void await(String expression) {
        await(expression, () -> value(expression).asBoolean());
    }

    static void await(String what, BooleanSupplier holds) {
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (!holds.getAsBoolean()) {
            assertTrue(System.nanoTime() < end, "not in time: " + what);
            try {
                Thread.sleep(50);
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        }
    }

    void click(String selector) {
        String id = element(selector);
        post("element/" + id + "/click", Json.object());
    }

    void type(String selector, String text) {
        String id = element(selector);
        post("element/" + id + "/value", Json.object().put("text", text));
    }

    private String element(String selector) {
        JsonNode found =
                post("element", Json.object().put("using", "css selector").put("value", selector));
        return found.properties().iterator().next().getValue().asText();
    }

    /// Has the page think that the machine is set to dark or light.
    void scheme(String name) {
        command(
                "Emulation.setEmulatedMedia",
                "{\"features\": [{\"name\": \"prefers-color-scheme\", \"value\": \"%s\"}]}"
                        .formatted(name));
    }

    void width(int width) {
        command(
                "Emulation.setDeviceMetricsOverride",
                "{\"width\": %d, \"height\": 1000, \"deviceScaleFactor\": 1, \"mobile\": false}"
                        .formatted(width));
    }

    private void command(String name, String parameters) {
        send(
                "POST",
                session.resolve("goog/cdp/execute"),
                "{\"cmd\": \"%s\", \"params\": %s}".formatted(name, parameters));
    }

    /// What the browser has complained of since the last call.
    List<String> complaints() {
        List<String> messages = new ArrayList<>();
        post("se/log", Json.object().put("type", "browser"))
                .forEach(entry -> messages.add(entry.path("message").asText()));
        return messages;
    }

    /// What pages have asked for since the last call, and how many bytes came.
    record Traffic(List<String> urls, long bytes) {}

    Traffic traffic() throws IOException {
        List<String> urls = new ArrayList<>();
        long bytes = 0;
        for (JsonNode entry : post("se/log", Json.object().put("type", "performance"))) {
            JsonNode event = Json.tree(entry.path("message").asText()).path("message");
            switch (event.path("method").asText()) {
                case "Network.requestWillBeSent" ->
                        urls.add(event.at("/params/request/url").asText());
                case "Network.loadingFinished" ->
                        bytes += event.at("/params/encodedDataLength").asLong();
                default -> {}
            }
        }
        return new Traffic(urls, bytes);
    }

    void picture(Path file) throws IOException {
        String png = send("GET", session.resolve("screenshot"), "").asText();
        Files.write(file, Base64.getDecoder().decode(png));
    }

    /// Ends the browser, and returns when no process of it is left that could write its profile.
    @Override
    public void close() {
        List<ProcessHandle> processes = driver.descendants().toList();
        try {
            send("DELETE", session.resolve("."), "");
        } catch (RuntimeException | AssertionError e) {
            // the driver takes the browser with it
        }
        driver.destroy();
        client.close();
        processes.forEach(ProcessHandle::destroyForcibly);
        await("the browser's end", () -> processes.stream().noneMatch(BrowserSession::works));
    }

    /// Whether a process can still write: one that has ended, and that nobody waits for, is alive
    /// by its handle, but has no command.
    private static boolean works(ProcessHandle process) {
        return process.isAlive() && process.info().command().isPresent();
    }
}
