package org.attune.board;

import org.attune.error.AttuneException;
import org.attune.json.Json;
import org.attune.reports.page.ReportPage;
import org.attune.reports.page.RunView;
import org.attune.serve.ApiException;
import org.attune.serve.Call;
import org.attune.trainers.opening.TrainingMethod;
import org.attune.trainers.report.MetricsFile;
import org.attune.trainers.run.Methods;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// The pages and what they are made of. Whatever comes from outside is text on them, never markup.
final class Pages {
    private static final Pattern PART = Pattern.compile("\\{([a-z-]+)\\}");
    private static final int MOST_COMPARED = 8;
    private static final String METHODS =
            Json.write(Methods.all().stream().map(TrainingMethod::name).toList());

    /// Scripts and styles, by what browsers are told that they are.
    private static final Map<String, String> TYPES =
            Map.of("js", "text/javascript", "css", "text/css");

    private static final List<String> ASSETS =
            List.of(
                    "board.css",
                    "common.js",
                    "runs.js",
                    "run.js",
                    "sweep.js",
                    "chat.js",
                    "label.js",
                    "serve.js",
                    "learn.js",
                    "new.js");

    private final RunIndex index;

    Pages(RunIndex index) {
        this.index = index;
    }

    /// A page without anything of a run: a resource of this name. Its data are the methods' names.
    static void still(Call call, String name, String title) throws IOException {
        send(call, title, name, resource(name + ".html"), METHODS, name);
    }

    /// `GET /runs/ID`
    void run(Call call) throws ApiException, IOException {
        RunIndex.Entry run = index.of(call.name());
        long offset = Follower.end(run.file(MetricsFile.NAME)); // before they are read
        RunView view = RunView.live(List.of(run.folder()), List.of(run.name()), Methods::defaults);
        String body =
                "<div id=\"page\" data-run=\"%s\" data-offset=\"%d\">%s</div>"
                        .formatted(run.id(), offset, view.body());
        send(call, view.title(), "runs", body, view.data(), "run");
    }

    /// `GET /compare?ids=A,B,…`
    void compare(Call call) throws ApiException, IOException {
        List<RunIndex.Entry> runs = named(call);
        if (runs.size() < 2) {
            throw ApiException.bad("ids", "two runs or more are compared; one has its own page");
        }
        var offsets = new ArrayList<String>();
        for (RunIndex.Entry run : runs) {
            offsets.add("" + Follower.end(run.file(MetricsFile.NAME)));
        }
        RunView view =
                RunView.live(
                        runs.stream().map(RunIndex.Entry::folder).toList(),
                        runs.stream().map(RunIndex.Entry::name).toList(),
                        Methods::defaults);
        String body =
                "<div id=\"page\" data-run=\"%s\" data-offset=\"%s\">%s</div>"
                        .formatted(
                                String.join(",", runs.stream().map(RunIndex.Entry::id).toList()),
                                String.join(",", offsets),
                                view.body());
        send(call, "Compare", "runs", body, view.data(), "run");
    }

    /// `GET /api/report?ids=A,…`: one file to keep.
    void report(Call call) throws ApiException, IOException {
        List<RunIndex.Entry> runs = named(call);
        Path file = Files.createTempFile("attune-report", ".html");
        try {
            ReportPage.write(
                    runs.stream().map(RunIndex.Entry::folder).toList(),
                    runs.stream().map(RunIndex.Entry::name).toList(),
                    Methods::defaults,
                    file);
            call.exchange()
                    .getResponseHeaders()
                    .set("Content-Disposition", "attachment; filename=\"report.html\"");
            call.text("text/html", Files.readString(file));
        } finally {
            Files.deleteIfExists(file);
        }
    }

    private List<RunIndex.Entry> named(Call call) throws ApiException, IOException {
        List<String> ids = List.of(call.query("ids").orElse("").split(","));
        if (ids.size() > MOST_COMPARED) {
            throw ApiException.bad("ids", "at most %d runs fit a page".formatted(MOST_COMPARED));
        }
        List<RunIndex.Entry> runs = new ArrayList<>();
        for (String id : ids) {
            runs.add(index.of(id));
        }
        return runs;
    }

    /// `GET /assets/NAME`
    static void asset(Call call) throws ApiException, IOException {
        String name = call.name();
        Optional<String> text =
                ASSETS.contains(name) ? Optional.of(resource(name)) : RunView.asset(name);
        call.text(
                TYPES.getOrDefault(name.substring(name.lastIndexOf('.') + 1), "text/plain"),
                text.orElseThrow(() -> new ApiException(404, "not_found", "no file " + name)));
    }

    /// @param data JSON for the page's scripts
    private static void send(
            Call call, String title, String place, String body, String data, String script)
            throws IOException {
        Map<String, String> parts = new LinkedHashMap<>();
        parts.put("title", escape(title));
        parts.put("body", body);
        parts.put("data", data);
        parts.put("script", script);
        for (String known : List.of("runs", "chat", "label", "serve", "learn", "new")) {
            parts.put("at-" + known, known.equals(place) ? " aria-current=\"page\"" : "");
        }
        // In one pass: what a run says may look like the name of a part.
        String page =
                PART.matcher(resource("page.html"))
                        .replaceAll(part -> Matcher.quoteReplacement(parts.get(part.group(1))));
        call.text("text/html", page);
    }

    private static String escape(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
    }

    private static String resource(String name) {
        try (InputStream in = Pages.class.getResourceAsStream(name)) {
            if (in == null) {
                throw new AttuneException("the resource " + name + " is missing from the jars");
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new AttuneException("the resource " + name + " can't be read", e);
        }
    }
}
