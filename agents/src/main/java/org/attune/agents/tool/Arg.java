package org.attune.agents.tool;

import static org.attune.api.Api.Status.STABLE;

import org.attune.api.Api;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/// What a model is told of a tool's parameter, or of a component of a record that is one.
@Api(STABLE)
@Retention(RetentionPolicy.RUNTIME)
@Target({ElementType.PARAMETER, ElementType.RECORD_COMPONENT})
public @interface Arg {
    /// What the argument means; empty tells nothing.
    String value() default "";

    /// What the model calls it; the parameter's name if empty.
    String name() default "";
}
