package org.attune.cli.config;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.fasterxml.jackson.dataformat.yaml.YAMLParser;

import org.attune.error.ConfigException;
import org.yaml.snakeyaml.error.YAMLException;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// Reads YAML through Jackson's event parser, which gives each value's line. Duplicate keys are
/// reported; aliases and several documents in one file are refused.
final class YamlText {
    private static final int DEEPEST = 50;
    private static final YAMLFactory FACTORY =
            YAMLFactory.builder()
                    .streamReadConstraints(
                            StreamReadConstraints.builder().maxNestingDepth(DEEPEST).build())
                    .build();

    private final String name;
    private final YAMLParser parser;
    private final Problems problems;

    private YamlText(String name, YAMLParser parser, Problems problems) {
        this.name = name;
        this.parser = parser;
        this.problems = problems;
    }

    /// @param name of the source in messages
    /// @throws ConfigException if the text is not YAML
    static YamlNode parse(String name, String text, Problems problems) {
        try (YAMLParser parser = FACTORY.createParser(text)) {
            var reader = new YamlText(name, parser, problems);
            JsonToken first = parser.nextToken();
            if (first == null) {
                return new YamlNode.Scalar("", true, 1);
            }
            YamlNode root = reader.node();
            if (parser.nextToken() != null) {
                problems.add(name + ":" + reader.line(), "a second document; one is accepted");
            }
            return root;
        } catch (JsonProcessingException e) {
            throw new ConfigException(YamlFault.message(name, e), e);
        } catch (YAMLException | IllegalArgumentException e) {
            throw new ConfigException(YamlFault.message(name, e), e);
        } catch (IOException e) {
            throw new ConfigException(name + ": cannot be read: " + e.getMessage(), e);
        }
    }

    private YamlNode node() throws IOException {
        int line = line();
        return switch (parser.currentToken()) {
            case START_OBJECT -> fields(line);
            case START_ARRAY -> items(line);
            case VALUE_NULL -> new YamlNode.Scalar("", true, line);
            default -> scalar(line);
        };
    }

    private YamlNode scalar(int line) throws IOException {
        if (parser.isCurrentAlias()) {
            problems.add(name + ":" + line, "an alias (*name); write the value out");
        }
        return new YamlNode.Scalar(parser.getText(), false, line);
    }

    private YamlNode items(int line) throws IOException {
        List<YamlNode> items = new ArrayList<>();
        while (parser.nextToken() != JsonToken.END_ARRAY) {
            items.add(node());
        }
        return new YamlNode.Items(items, line);
    }

    private YamlNode fields(int line) throws IOException {
        List<YamlNode.Field> fields = new ArrayList<>();
        Map<String, Integer> seen = new HashMap<>();
        while (parser.nextToken() != JsonToken.END_OBJECT) {
            String key = parser.currentName();
            int keyLine = line();
            parser.nextToken();
            YamlNode value = node();
            Integer earlier = seen.putIfAbsent(key, keyLine);
            if (earlier == null) {
                fields.add(new YamlNode.Field(key, value, keyLine));
            } else {
                problems.add(
                        name + ":" + keyLine,
                        key + ": given twice (first in line " + earlier + "); keep one");
            }
        }
        return new YamlNode.Fields(fields, line);
    }

    private int line() {
        return parser.currentTokenLocation().getLineNr();
    }
}
