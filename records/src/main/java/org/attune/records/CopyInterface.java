package org.attune.records;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

import javax.annotation.processing.ProcessingEnvironment;
import javax.lang.model.element.ElementKind;
import javax.lang.model.element.RecordComponentElement;
import javax.lang.model.element.TypeElement;
import javax.lang.model.type.ArrayType;
import javax.lang.model.type.DeclaredType;
import javax.lang.model.type.TypeKind;
import javax.lang.model.type.TypeMirror;
import javax.lang.model.util.ElementFilter;

/// Source text of the interface with a record's copy methods.
final class CopyInterface {
    static final String SUFFIX = "Copies";

    private static final Map<String, String> EMPTY =
            Map.of(
                    "java.util.Optional", "java.util.Optional.empty()",
                    "java.util.OptionalInt", "java.util.OptionalInt.empty()",
                    "java.util.OptionalLong", "java.util.OptionalLong.empty()",
                    "java.util.OptionalDouble", "java.util.OptionalDouble.empty()",
                    "java.util.List", "java.util.List.of()",
                    "java.util.Set", "java.util.Set.of()",
                    "java.util.Map", "java.util.Map.of()");

    private static final Map<String, String> UNBOXED =
            Map.of(
                    "java.util.OptionalInt", "int",
                    "java.util.OptionalLong", "long",
                    "java.util.OptionalDouble", "double");

    private final TypeElement type;
    private final ProcessingEnvironment environment;
    private final String record;
    private final List<? extends RecordComponentElement> components;

    CopyInterface(TypeElement type, ProcessingEnvironment environment) {
        this.type = type;
        this.environment = environment;
        record = type.getSimpleName().toString();
        components = type.getRecordComponents();
    }

    String source() {
        var text = new StringBuilder();
        text.append("package ").append(environment.getElementUtils().getPackageOf(type));
        text.append(";\n\n/// Copies of a [").append(record);
        text.append("] in which one component is another.\n");
        text.append("@javax.annotation.processing.Generated(\"");
        text.append(CopyGenerator.class.getName()).append("\")\n");
        text.append("public sealed interface ").append(record).append(SUFFIX);
        text.append(" permits ").append(record).append(" {\n");
        for (RecordComponentElement component : components) {
            text.append("    ").append(name(component.asType())).append(' ');
            text.append(component.getSimpleName()).append("();\n\n");
        }
        for (RecordComponentElement component : components) {
            addCopy(text, component);
            if (hasCopies(component.asType())) {
                addChange(text, component);
            }
        }
        addBlank(text);
        return text.append("}\n").toString();
    }

    private void addCopy(StringBuilder text, RecordComponentElement changed) {
        String name = changed.getSimpleName().toString();
        text.append("    /// A copy with this `").append(name).append("`.\n    default ");
        text.append(record).append(' ').append(wither(name)).append('(');
        text.append(parameter(changed.asType())).append(' ').append(name).append(") {\n");
        text.append("        return new ").append(record).append('(');
        text.append(
                components.stream()
                        .map(c -> c.equals(changed) ? given(c) : c.getSimpleName() + "()")
                        .collect(Collectors.joining(", ")));
        text.append(");\n    }\n\n");
    }

    private void addChange(StringBuilder text, RecordComponentElement changed) {
        String name = changed.getSimpleName().toString();
        text.append("    /// Changes a part: `")
                .append(wither(name))
                .append("(x -> x.with…(…))`.\n");
        text.append("    default ").append(record).append(' ').append(wither(name));
        text.append("(java.util.function.UnaryOperator<").append(name(changed.asType()));
        text.append("> change) {\n        return ").append(wither(name));
        text.append("(change.apply(").append(name).append("()));\n    }\n\n");
    }

    private void addBlank(StringBuilder text) {
        text.append(
                "    /// Zeros, nulls, empty collections, and defaults of components that have"
                        + " them.\n");
        text.append("    static ").append(record).append(" blank() {\n        return new ");
        text.append(record).append('(');
        text.append(
                components.stream().map(c -> blank(c.asType())).collect(Collectors.joining(", ")));
        text.append(");\n    }\n");
    }

    private static String wither(String component) {
        return "with" + component.substring(0, 1).toUpperCase(Locale.ROOT) + component.substring(1);
    }

    /// What a copy method takes for a component: an optional's value itself.
    private String parameter(TypeMirror component) {
        String erased = erased(component);
        if (UNBOXED.containsKey(erased)) {
            return UNBOXED.get(erased);
        }
        return erased.equals("java.util.Optional")
                ? name(((DeclaredType) component).getTypeArguments().getFirst())
                : name(component);
    }

    private String given(RecordComponentElement component) {
        String erased = erased(component.asType());
        String name = component.getSimpleName().toString();
        boolean optional = UNBOXED.containsKey(erased) || erased.equals("java.util.Optional");
        return optional ? erased + ".of(" + name + ")" : name;
    }

    private String blank(TypeMirror component) {
        if (component.getKind() == TypeKind.BOOLEAN) {
            return "false";
        }
        if (component.getKind().isPrimitive()) {
            return "0";
        }
        String empty = EMPTY.get(erased(component));
        if (empty != null) {
            return empty;
        }
        return hasDefaults(component) ? name(component) + ".defaults()" : "null";
    }

    private boolean hasDefaults(TypeMirror component) {
        return hasCopies(component)
                && ElementFilter.methodsIn(element(component).getEnclosedElements()).stream()
                        .anyMatch(
                                m ->
                                        m.getSimpleName().contentEquals("defaults")
                                                && m.getParameters().isEmpty());
    }

    /// Whether a type is a record that has copy methods, in this compilation or another.
    private boolean hasCopies(TypeMirror component) {
        if (component.getKind() != TypeKind.DECLARED
                || element(component).getKind() != ElementKind.RECORD) {
            return false;
        }
        return element(component).getAnnotation(CopyMethods.class) != null
                || environment
                                .getElementUtils()
                                .getTypeElement(element(component).getQualifiedName() + SUFFIX)
                        != null;
    }

    private static TypeElement element(TypeMirror component) {
        return (TypeElement) ((DeclaredType) component).asElement();
    }

    private static String erased(TypeMirror component) {
        return component.getKind() == TypeKind.DECLARED
                ? element(component).getQualifiedName().toString()
                : "";
    }

    /// A type's name without annotations.
    private static String name(TypeMirror component) {
        return switch (component.getKind()) {
            case DECLARED -> {
                List<? extends TypeMirror> arguments =
                        ((DeclaredType) component).getTypeArguments();
                yield erased(component)
                        + (arguments.isEmpty()
                                ? ""
                                : arguments.stream()
                                        .map(CopyInterface::name)
                                        .collect(Collectors.joining(", ", "<", ">")));
            }
            case ARRAY -> name(((ArrayType) component).getComponentType()) + "[]";
            default ->
                    component.getKind().isPrimitive()
                            ? component.getKind().name().toLowerCase(Locale.ROOT)
                            : component.toString();
        };
    }
}
