package org.attune.cli.config;

import org.attune.trainers.config.Resume;
import org.attune.trainers.opening.TrainingMethod;

import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// How many words of a command line belong to each key when it is given as TRL's commands take it:
/// `--use_peft`, `--learning_rate 1e-4`, `--lora_target_modules q_proj v_proj`.
final class KeyForms {
    /// What follows `--key`.
    enum Form {
        /// Nothing, or a truth value.
        FLAG,
        /// A key takes one value.
        ONE,
        /// Nothing, or one value.
        OPTIONAL,
        /// A key takes one value or several.
        SEVERAL,
        /// Whatever follows: the key is not obeyed, or unknown.
        ANY
    }

    /// Keys that are rewritten before records are filled, where they take other than one value.
    private static final Map<String, Form> REWRITTEN =
            Map.of("bf16", Form.FLAG, "resume_from_checkpoint", Form.OPTIONAL);

    private final Map<String, Form> forms = new HashMap<>();

    /// Keys whose values are texts, in which `none` is a word like others.
    private final Set<String> texts = new HashSet<>();

    /// @param methods whose keys are meant
    KeyForms(KeyTable table, Collection<TrainingMethod<?, ?>> methods) {
        for (TrainingMethod<?, ?> method : methods) {
            Map<String, Type> types = RecordBinder.types(method.defaults());
            table.of(method).forEach(key -> add(key, types.get(key.name())));
        }
    }

    /// The keys of a command that trains nothing: those of its records.
    KeyForms(Record defaults) {
        RecordBinder.types(defaults).forEach((name, type) -> add(Key.own(name), type));
    }

    private void add(Key key, Type type) {
        Form form = type == null ? unbound(key) : form(type);
        // Of methods that differ, the one that takes most words.
        forms.merge(key.name(), form, (a, b) -> a.compareTo(b) > 0 ? a : b);
        if (type == null || isText(type)) {
            texts.add(key.name());
        }
    }

    private static Form unbound(Key key) {
        boolean truth = Set.of("true", "false").contains(key.foreignDefault());
        if (truth || key.outcome() != Key.Outcome.OBEYED) {
            return truth ? Form.FLAG : Form.ANY;
        }
        return REWRITTEN.getOrDefault(key.name(), Form.ONE);
    }

    private static Form form(Type type) {
        if (type instanceof ParameterizedType generic) {
            return generic.getRawType() == Optional.class
                    ? form(generic.getActualTypeArguments()[0])
                    : Form.SEVERAL;
        }
        if (type == boolean.class || type == Boolean.class) {
            return Form.FLAG;
        }
        return type == Resume.class ? Form.OPTIONAL : Form.ONE;
    }

    private static boolean isText(Type type) {
        if (type instanceof ParameterizedType generic) {
            return List.of(generic.getActualTypeArguments()).stream().allMatch(KeyForms::isText);
        }
        return type == Object.class || !((Class<?>) type).isPrimitive() && !isNumber(type);
    }

    private static boolean isNumber(Type type) {
        String name = ((Class<?>) type).getSimpleName();
        return Set.of("OptionalInt", "OptionalLong", "OptionalDouble", "Boolean").contains(name)
                || Number.class.isAssignableFrom((Class<?>) type);
    }

    boolean knows(String key) {
        return forms.containsKey(key);
    }

    Form of(String key) {
        return forms.getOrDefault(key, Form.ANY);
    }

    /// Whether a word says that a key is not set. `none` may be a text's or a choice's value.
    boolean isNothing(String key, String word) {
        return word.equals("null")
                || word.equals("None")
                || word.equals("~")
                || word.equals("none") && !texts.contains(key);
    }
}
