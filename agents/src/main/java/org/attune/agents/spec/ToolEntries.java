package org.attune.agents.spec;

import org.attune.agents.tool.Tool;
import org.attune.agents.tool.ToolSet;
import org.attune.agents.tool.ToolSetFactory;
import org.attune.agents.wire.WireParameters;
import org.attune.agents.wire.WireTools;
import org.attune.episode.EpisodeStart;
import org.attune.error.ConfigException;
import org.attune.error.Spelling;
import org.attune.files.GivenPath;
import org.attune.program.Providers;
import org.attune.reward.builtin.Parameters;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Reads the value of `tools`.
final class ToolEntries {
    private static final List<String> KEYS = List.of("name", "file", "class", "command", "url");

    private final Path directory;
    private final List<String> problems;

    ToolEntries(Path directory, List<String> problems) {
        this.directory = directory;
        this.problems = problems;
    }

    /// All that could be made; the problems of the others are noted.
    List<ToolSetFactory> all(Object tools) {
        List<?> entries =
                switch (tools) {
                    case null -> List.of();
                    case List<?> list -> list;
                    default -> List.of(tools);
                };
        var factories = new ArrayList<ToolSetFactory>();
        for (int i = 0; i < entries.size(); i++) {
            String where = "tools[%d]".formatted(i);
            try {
                factories.add(entry(where, entries.get(i)));
            } catch (ConfigException e) {
                String message = e.getMessage();
                problems.add(message.startsWith(where) ? message : where + ": " + message);
            }
        }
        return factories;
    }

    private ToolSetFactory entry(String where, Object entry) {
        return switch (entry) {
            case String text -> named(where, text, Map.of());
            case Map<?, ?> map -> configured(where, map);
            case null, default ->
                    throw new ConfigException("tools are a text or a map, got " + entry);
        };
    }

    private ToolSetFactory configured(String where, Map<?, ?> map) {
        Map<String, Object> rest = flat(map);
        List<String> keys = rest.keySet().stream().filter(KEYS::contains).toList();
        if (keys.isEmpty() || keys.size() > 1 && !keys.contains("name")) {
            throw new ConfigException(
                    "tools need exactly one of name, file, class, command, url or %s, got %s"
                            .formatted(String.join(", ", kinds().keySet()), map.keySet()));
        }
        Object only = rest.remove("only");
        String key = keys.contains("name") ? "name" : keys.getFirst();
        ToolSetFactory factory =
                switch (key) {
                    case "command", "url" -> {
                        var parameters = new Parameters(where, rest);
                        yield new WireTools(
                                WireParameters.read(parameters, directory, WireParameters.RUN));
                    }
                    default -> {
                        String value = String.valueOf(rest.remove(key));
                        yield named(where, key.equals("class") ? "class:" + value : value, rest);
                    }
                };
        return only == null ? factory : new Chosen(factory, names(only));
    }

    /// `{mcp: {command: […]}}` as `{name: mcp, command: […]}`.
    private static Map<String, Object> flat(Map<?, ?> map) {
        var flat = new LinkedHashMap<String, Object>();
        map.forEach((key, value) -> flat.put(String.valueOf(key), value));
        for (String kind : kinds().keySet()) {
            if (flat.get(kind) instanceof Map<?, ?> inner && !flat.containsKey("name")) {
                flat.remove(kind);
                flat.put("name", kind);
                inner.forEach((key, value) -> flat.put(String.valueOf(key), value));
            }
        }
        return flat;
    }

    private ToolSetFactory named(String where, String text, Map<String, Object> rest) {
        var parameters = new Parameters(where, rest);
        if (text.endsWith(".java")) {
            return JavaTools.fromFile(GivenPath.input(text, directory), parameters);
        }
        if (text.startsWith("class:")) {
            return JavaTools.fromClass(text.substring("class:".length()).strip(), parameters);
        }
        if (text.endsWith(".py")) {
            throw new ConfigException(
                    "%s is Python; run it as a program: {command: [python, %s]}"
                            .formatted(text, text));
        }
        ToolKind kind = kinds().get(text);
        if (kind == null) {
            throw unknown(text);
        }
        return kind.open(parameters, directory);
    }

    static Map<String, ToolKind> kinds() {
        return Providers.all(ToolKind.class, ToolKind::name, KEYS);
    }

    private static ConfigException unknown(String name) {
        return new ConfigException(
                "there are no tools called \"%s\"%s; there are %s, or a .java file, class:NAME, {command: […]}, {url: …}%s"
                        .formatted(
                                name,
                                Spelling.nearest(name, kinds().keySet())
                                        .map(near -> ", did you mean \"" + near + "\"?")
                                        .orElse(""),
                                String.join(", ", kinds().keySet()),
                                name.equals("mcp")
                                        ? "; mcp is in the jar attune-agents-mcp, which isn't on"
                                                + " the class path"
                                        : ""));
    }

    private static List<String> names(Object only) {
        List<?> list = only instanceof List<?> many ? many : List.of(only);
        return list.stream().map(String::valueOf).toList();
    }

    /// Some of a set's tools.
    private record Chosen(ToolSetFactory all, List<String> only) implements ToolSetFactory {
        @Override
        public ToolSet open(EpisodeStart start) throws Exception {
            ToolSet set = all.open(start);
            List<Tool> chosen = new ArrayList<>();
            for (String name : only) {
                chosen.add(
                        set.tools().stream()
                                .filter(tool -> tool.spec().name().equals(name))
                                .findFirst()
                                .orElseThrow(() -> missing(set, name)));
            }
            return ToolSet.of(chosen, set::close);
        }

        private static ConfigException missing(ToolSet set, String name) {
            List<String> there = set.tools().stream().map(tool -> tool.spec().name()).toList();
            set.close();
            return new ConfigException(
                    "only names \"%s\", and the tools are %s"
                            .formatted(name, String.join(", ", there)));
        }

        @Override
        public void close() {
            all.close();
        }
    }
}
