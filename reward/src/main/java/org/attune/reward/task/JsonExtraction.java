package org.attune.reward.task;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

import org.apache.commons.rng.UniformRandomProvider;
import org.apache.commons.rng.sampling.PermutationSampler;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/// `Write as a JSON object with the keys "city" and "age": Ann lives in Oslo. Ann is 34 years old.`
/// Careless people write numbers as text, or leave out the last key.
final class JsonExtraction implements TaskKind {
    private static final String FIELDS = "fields";
    private static final String SURPLUS = "surplus";

    private static final List<String> NAMES =
            List.of("Ann", "Ben", "Cleo", "Dan", "Eva", "Finn", "Gus", "Ida", "Jon", "Kim");
    private static final List<String> CITIES =
            List.of("Oslo", "Rome", "Lima", "Kyoto", "Cairo", "Bern", "Quito", "Perth");
    private static final List<String> WORK =
            List.of("baker", "pilot", "nurse", "judge", "tailor", "farmer");
    private static final List<String> COLOURS = List.of("red", "blue", "green", "yellow", "black");

    /// What is told of a person.
    private enum Field {
        AGE("%s is %s years old."),
        CITY("%s lives in %s."),
        JOB("%s works as a %s."),
        COLOUR("%s likes the colour %s."),
        CHILDREN("%s has %s children.");

        private final String sentence;

        Field(String sentence) {
            this.sentence = sentence;
        }

        String key() {
            return toString().toLowerCase(Locale.ROOT);
        }
    }

    @Override
    public String name() {
        return "json-extraction";
    }

    @Override
    public String description() {
        return "turn sentences into a JSON object";
    }

    @Override
    public List<Parameter> parameters() {
        return List.of(
                new Parameter(FIELDS, "keys asked for, beside the name", 1, 4, 1, 2, 4),
                new Parameter(SURPLUS, "sentences that don't matter", 0, 1, 0, 1, 1));
    }

    @Override
    public AnswerCheck check() {
        return AnswerCheck.JSON;
    }

    @Override
    public Problem draw(Difficulty difficulty, UniformRandomProvider random) {
        int wanted = difficulty.get(FIELDS);
        int[] order = PermutationSampler.natural(Field.values().length);
        PermutationSampler.shuffle(random, order);
        String name = pick(NAMES, random);
        ObjectNode answer = JsonNodeFactory.instance.objectNode().put("name", name);
        ObjectNode mistake = answer.deepCopy();
        var sentences = new ArrayList<String>();
        var keys = new StringBuilder("\"name\"");
        for (int i = 0; i < wanted + difficulty.get(SURPLUS); i++) {
            Field field = Field.values()[order[i]];
            String value = value(field, random);
            sentences.add(random.nextInt(sentences.size() + 1), sentence(field, name, value));
            if (i < wanted) {
                keys.append(i == wanted - 1 ? " and \"" : ", \"").append(field.key()).append('"');
                put(answer, field, value);
                putCarelessly(mistake, field, value, i == wanted - 1);
            }
        }
        return Problem.of(
                "Write as a JSON object with the keys %s: %s"
                        .formatted(keys, String.join(" ", sentences)),
                answer.toString(),
                mistake.toString());
    }

    private static String sentence(Field field, String name, String value) {
        return field.sentence.formatted(name, value);
    }

    private static String value(Field field, UniformRandomProvider random) {
        return switch (field) {
            case AGE -> Integer.toString(random.nextInt(18, 90));
            case CITY -> pick(CITIES, random);
            case JOB -> pick(WORK, random);
            case COLOUR -> pick(COLOURS, random);
            case CHILDREN -> Integer.toString(random.nextInt(2, 8));
        };
    }

    private static void put(ObjectNode object, Field field, String value) {
        switch (field) {
            case AGE, CHILDREN -> object.put(field.key(), Integer.parseInt(value));
            case CITY, JOB, COLOUR -> object.put(field.key(), value);
        }
    }

    private static void putCarelessly(ObjectNode object, Field field, String value, boolean last) {
        boolean number = field == Field.AGE || field == Field.CHILDREN;
        if (number || !last) {
            object.put(field.key(), value);
        }
    }

    private static String pick(List<String> values, UniformRandomProvider random) {
        return values.get(random.nextInt(values.size()));
    }
}
