package org.attune.reports.page;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import org.attune.trainers.run.Methods;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;
import org.xml.sax.InputSource;

import java.io.IOException;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import javax.xml.parsers.DocumentBuilderFactory;

class ReportPageTest {
    @TempDir Path root;

    private String page(Path... runs) throws IOException {
        Path file = root.resolve("page.html");
        ReportPage.write(
                List.of(runs),
                List.of(runs).stream().map(run -> run.getFileName().toString()).toList(),
                Methods::defaults,
                file);
        return Files.readString(file);
    }

    /// The body, which is well-formed but for HTML's element without an end.
    private static Document body(String page) throws Exception {
        String body = page.substring(page.indexOf("<body>"), page.indexOf("<script")) + "</body>";
        String xml = body.replaceAll("<input ([^>]*)>", "<input $1/>");
        return DocumentBuilderFactory.newInstance()
                .newDocumentBuilder()
                .parse(new InputSource(new StringReader(xml)));
    }

    private static List<Element> elements(Document body, String tag) {
        NodeList nodes = body.getElementsByTagName(tag);
        List<Element> elements = new ArrayList<>();
        for (int i = 0; i < nodes.getLength(); i++) {
            elements.add((Element) nodes.item(i));
        }
        return elements;
    }

    private static String section(Document body, String id) {
        return elements(body, "section").stream()
                .filter(section -> section.getAttribute("id").equals(id))
                .map(Element::getTextContent)
                .findFirst()
                .orElse("");
    }

    private static JsonNode data(String page) throws IOException {
        Matcher data =
                Pattern.compile("<script type=\"application/json\" id=\"data\">(.*?)</script>")
                        .matcher(page);
        assertTrue(data.find());
        return new ObjectMapper().readTree(data.group(1));
    }

    @Test
    void tellsWhatARunWasAndWhatCameOfIt() throws Exception {
        Document body = body(page(RunFolderSample.write(root.resolve("one"), 30)));
        String all = body.getDocumentElement().getTextContent();
        assertTrue(all.contains("Better than before"), all);
        assertTrue(all.contains("+0.5 (95 % interval +0.3"), all);
        assertTrue(all.contains("n = 40"), all);
        assertTrue(section(body, "facts").contains("abc123"));
        assertTrue(section(body, "phases").contains("512 MiB"));
        assertTrue(section(body, "phases").contains("20.3 s"));
        assertTrue(section(body, "completions").contains("worst"));
        assertTrue(section(body, "spread").contains("Correlations of rewards"));
        assertTrue(section(body, "warnings").contains("WARN: beware of"));
        assertTrue(section(body, "config").contains("seed"));
        assertTrue(section(body, "use").contains("attune merge --model base --adapter"));
        assertTrue(section(body, "curves").contains("99.5"), "the highest loss, as a number");
        assertFalse(elements(body, "svg").isEmpty(), "drawings that need no script");
    }

    @Test
    void saysWhenItIsNoBetterOrWorse() throws Exception {
        Document same = body(page(RunFolderSample.write(root.resolve("same"), 11)));
        assertTrue(same.getDocumentElement().getTextContent().contains("No better and no worse"));
        Document worse = body(page(RunFolderSample.write(root.resolve("worse"), 0)));
        assertTrue(worse.getDocumentElement().getTextContent().contains("Worse than before"));
    }

    /// The page holds scripts, so a text of a run that became markup could run as one.
    @Test
    void textsOfARunStayText() throws Exception {
        String page = page(RunFolderSample.write(root.resolve("one"), 30));
        Document body = body(page);
        assertEquals(List.of(), elements(body, "img"));
        assertEquals(3, Pattern.compile("<script").matcher(page).results().count());
        assertEquals(3, Pattern.compile("</script").matcher(page).results().count());
        String shown =
                "</script><img src=x onerror=\"document.title='taken'\"><!-- {body} ]]> &amp;"
                        + " \\u202e\\u0000";
        for (String id : List.of("completions", "heldout", "warnings", "facts")) {
            assertTrue(section(body, id).contains(shown), id + ": " + section(body, id));
        }
        assertFalse(page.contains("\u202e"), "nothing turns the direction of the page");
    }

    /// Nothing is fetched, and only what is written here runs.
    @Test
    void namesItsScriptsAndNothingElse() throws Exception {
        String page = page(RunFolderSample.write(root.resolve("one"), 30));
        String policy =
                page.substring(page.indexOf("content=\"default-src"), page.indexOf("<title>"));
        assertTrue(policy.contains("default-src 'none'"), policy);
        var parts = Pattern.compile("<(script|style)>(.*?)</\\1>", Pattern.DOTALL).matcher(page);
        int count = 0;
        while (parts.find()) {
            byte[] digest =
                    MessageDigest.getInstance("SHA-256")
                            .digest(parts.group(2).getBytes(StandardCharsets.UTF_8));
            assertTrue(policy.contains(Base64.getEncoder().encodeToString(digest)), parts.group(1));
            count++;
        }
        assertEquals(4, count);
        assertFalse(page.matches("(?s).*(src|href)=\"(?!#).*"), "a reference to elsewhere");
        assertTrue(page.contains("Permission is hereby granted"), "uPlot's licence");
        String own = page.substring(page.lastIndexOf("<script>"));
        assertFalse(
                own.matches(
                        "(?s).*(innerHTML|outerHTML|insertAdjacentHTML|eval\\(|document.write).*"),
                "the page's own script makes markup of text");
    }

    @Tag("thorough")
    @Test
    void aLongRunStaysSmallAndKeepsItsPeaks() throws Exception {
        Path run = root.resolve("long");
        RunFolderSample.metrics(run, 20_000);
        String page = page(run);
        assertTrue(page.length() < 3_000_000, page.length() + " characters");
        JsonNode loss = data(page).path("charts").get(0).path("curves").get(0);
        assertEquals("loss", loss.path("name").asText());
        assertTrue(loss.path("x").size() <= 1000, loss.path("x").size() + " points");
        List<Double> values = new ArrayList<>();
        loss.path("y").forEach(y -> values.add(y.asDouble()));
        assertTrue(values.contains(99.5), "the peak");
        assertTrue(Math.abs(loss.path("means").get(500).asDouble() - 1) < 0.01, "a stretch's mean");
        assertEquals(page, page(run), "the same page of the same run");
        System.out.println("20,000 steps: " + page.length() + " characters");
    }

    @Test
    void runsLieSideBySide() throws Exception {
        Path one = RunFolderSample.write(root.resolve("one"), 30);
        Path two = RunFolderSample.write(root.resolve("two"), 12);
        String page = page(one, two);
        Document body = body(page);
        String comparison = section(body, "comparison");
        assertTrue(comparison.contains("two: worse, reward −0.45 (95 % interval"), comparison);
        String keys = section(body, "config");
        assertTrue(keys.contains("learning_rate"), keys);
        assertFalse(keys.contains("seed"), "a key that doesn't differ");
        assertTrue(section(body, "answers").contains("question 3"));
        JsonNode curves = data(page).path("charts").get(0).path("curves");
        assertEquals("one · loss", curves.get(0).path("name").asText());
        assertEquals("two · loss", curves.get(1).path("name").asText());
        assertEquals(1, curves.get(1).path("run").asInt());
    }

    /// A run knows rows that it was given by their place.
    @Test
    void rowsThatWereGivenAreShownFromTheirFile() throws Exception {
        Path data = Files.writeString(root.resolve("pairs.jsonl"), "{}\n{\"chosen\": \"<b>\"}\n");
        Path run = Files.createDirectories(root.resolve("pairs"));
        Files.writeString(run.resolve("metrics.jsonl"), "{\"step\":0,\"eval_loss\":2.5}\n");
        Files.writeString(
                run.resolve("heldout.jsonl"),
                """
                {"row":0,"where":"%s:2","prompt":"","before":{"step":0,"completion":"","values":{"loss":2.5}}}
                {"row":1,"where":"%s:7","prompt":"","before":{"step":0,"completion":"","values":{"loss":2.5}}}
                """
                        .formatted(data, data));
        String shown = section(body(page(run)), "heldout");
        assertTrue(shown.contains(data + ":2\n{\"chosen\": \"<b>\"}"), shown);
        assertTrue(shown.contains(data + ":7"), shown);
    }

    @Test
    void showsWhatTheModelWritesBesideTheGivenAnswers() throws Exception {
        Path run = Files.createDirectories(root.resolve("written"));
        Files.writeString(run.resolve("metrics.jsonl"), "{\"step\":0,\"eval_loss\":2.5}\n");
        Files.writeString(
                run.resolve("heldout.jsonl"),
                """
                {"row":0,"where":"a:1","prompt":"Why?","given":{"chosen":"Hence.","rejected":"<b>No"},\
                "before":{"step":0,"completion":"Who?","values":{"loss":2.5}},\
                "after":{"step":3,"completion":"Since.","values":{"loss":1.5}}}
                {"row":1,"where":"a:2","prompt":"","before":{"step":0,"values":{"loss":2.5}}}
                """);
        Document body = body(page(run));
        List<String> cells =
                elements(body, "td").stream()
                        .filter(cell -> cell.getAttribute("class").equals("said"))
                        .map(Element::getTextContent)
                        .toList();
        assertEquals(List.of("Hence.", "<b>No", "Who?", "Since."), cells);
        assertTrue(section(body, "heldout").contains("a:2"), "rows that were only measured");
    }

    /// A run that was killed early has left almost nothing, and a damaged file costs its part only.
    @Test
    void makesDoWithWhatIsThere() throws Exception {
        Path run = Files.createDirectories(root.resolve("poor"));
        Files.writeString(run.resolve("metrics.jsonl"), "{\"step\":1,\"loss\":2.5}\n");
        Files.writeString(run.resolve("config.yaml"), "a: [1");
        Files.writeString(run.resolve("summary.json"), "{");
        Document body = body(page(run));
        assertTrue(section(body, "warnings").contains("summary.json"), section(body, "warnings"));
        assertTrue(section(body, "warnings").contains("config.yaml"));
        assertTrue(section(body, "curves").contains("2.5"));
        assertTrue(section(body, "use").contains("resume=true"));
    }
}
