/// The forms in which known families of models write turns and calls.
package org.attune.text.parse.family;
