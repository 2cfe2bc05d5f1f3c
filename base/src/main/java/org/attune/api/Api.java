package org.attune.api;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/// Marks a type that programs may build on, and says how firmly it stands. A public type without
/// the mark may change or go in any version, without notice: it is public for other modules only.
///
/// - The mark of a type holds for the types nested in it, and that of a record for the records and
///   enums that its components are: the groups of a configuration and their choices.
/// - Where a member of a marked type names a type without the mark, a program may hand its values
///   from one member to another. What such a type has itself isn't promised.
/// - A record of settings may get further components. Programs make one by `defaults()`, `of` and
///   `with…`, not by its constructor.
@Documented
@Retention(RetentionPolicy.CLASS)
@Target(ElementType.TYPE)
public @interface Api {
    /// What is promised of the type.
    Status value();

    /// How firmly a type stands.
    enum Status {
        /// Programs that call or implement it compile and work with the next versions too. It
        /// changes only with a new major version, after a version in which what goes is deprecated.
        /// Its members name no types but stable ones and those of other libraries.
        STABLE,

        /// It may change in any version. `CHANGELOG.md` then says what was changed, and how a
        /// program follows.
        EXPERIMENTAL
    }
}
