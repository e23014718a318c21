package org.sidetone.sample

import android.content.Context
import android.graphics.Color
import android.graphics.Typeface
import android.graphics.drawable.GradientDrawable
import android.text.SpannableString
import android.text.Spanned
import android.text.style.ForegroundColorSpan
import android.view.Gravity
import android.view.View
import android.view.ViewGroup
import android.widget.Button
import android.widget.LinearLayout
import android.widget.TextView
import org.sidetone.sample.screens.Light

/**
 * Makes these pieces the children of a view. What is there already and fits stays, so that a clock that ticks takes away no
 * button under a finger.
 */
internal fun ViewGroup.show(pieces: List<Piece>) {
    pieces.forEachIndexed { at, piece ->
        val there = getChildAt(at)
        if (there?.fits(piece) != true) {
            there?.let(::removeView)
            addView(viewOf(piece), at)
        }
        getChildAt(at).fill(piece)
    }
    if (childCount > pieces.size) removeViews(pieces.size, childCount - pieces.size)
}

/** A button is the same only under the same words. */
private fun View.fits(piece: Piece) = when (val shown = tag) {
    is Words -> piece is Words && piece.style == shown.style
    is Press -> piece is Press && piece.text == shown.text
    is Line -> piece is Line
    is Card -> piece is Card
    else -> false
}

private fun ViewGroup.viewOf(piece: Piece): View = when (piece) {
    is Words -> textView(piece.style)
    is Press -> context.button(piece.text) {}
    is Line -> FlowLayout(context).apply {
        // A button's own margin, so that it begins where the words do.
        layoutParams = LinearLayout.LayoutParams(LinearLayout.LayoutParams.MATCH_PARENT, LinearLayout.LayoutParams.WRAP_CONTENT)
            .apply { leftMargin = -context.dp(4) }
    }
    is Card -> context.column().apply {
        background = GradientDrawable().apply {
            setColor(CARD)
            cornerRadius = context.dp(12).toFloat()
        }
        setPadding(context.dp(12), context.dp(8), context.dp(12), context.dp(8))
        layoutParams = LinearLayout.LayoutParams(LinearLayout.LayoutParams.MATCH_PARENT, LinearLayout.LayoutParams.WRAP_CONTENT)
            .apply { setMargins(0, context.dp(4), 0, context.dp(4)) }
    }
}

private fun ViewGroup.textView(style: Style) = TextView(context).apply {
    textSize = when (style) {
        Style.AVATAR -> 22f
        Style.TITLE -> 18f
        Style.PLAIN -> 16f
        Style.SMALL, Style.ASKED -> 14f
    }
    if (style == Style.TITLE || style == Style.AVATAR) typeface = Typeface.DEFAULT_BOLD
    when (style) {
        Style.TITLE, Style.PLAIN, Style.AVATAR -> setTextColor(context.primaryColour())
        Style.ASKED -> setTextColor(ASKED)
        Style.SMALL -> {}
    }
    setPadding(0, context.dp(2), 0, context.dp(2))
    if (style == Style.AVATAR) {
        gravity = Gravity.CENTER
        background = GradientDrawable().apply {
            shape = GradientDrawable.OVAL
            setColor(CARD)
        }
        layoutParams = LinearLayout.LayoutParams(context.dp(56), context.dp(56))
    }
}

private fun View.fill(piece: Piece) {
    val before = tag
    tag = piece
    when (piece) {
        is Words -> {
            // A text that is set anew is read out anew to those who do not see it.
            if (before !is Words || before.text != piece.text || before.light != piece.light) (this as TextView).text = lit(piece)
            setOnClickListener { piece.touched?.invoke() }
            isClickable = piece.touched != null
        }
        is Press -> {
            isEnabled = piece.touched != null
            setOnClickListener { piece.touched?.invoke() }
        }
        is Line -> (this as ViewGroup).show(piece.pieces)
        is Card -> (this as ViewGroup).show(piece.pieces)
    }
}

private fun lit(words: Words): CharSequence {
    val light = words.light ?: return words.text
    return SpannableString("● ${words.text}").apply { setSpan(ForegroundColorSpan(colourOf(light)), 0, 1, Spanned.SPAN_EXCLUSIVE_EXCLUSIVE) }
}

private fun colourOf(light: Light) = when (light) {
    Light.OFF -> Color.GRAY
    Light.READY -> 0xFF43A047.toInt()
    Light.BUSY -> 0xFF039BE5.toInt()
    Light.PAUSED -> 0xFFFFA000.toInt()
    Light.ALARM -> 0xFFE53935.toInt()
}

private fun Context.primaryColour() = obtainStyledAttributes(intArrayOf(android.R.attr.textColorPrimary)).run {
    getColor(0, Color.GRAY).also { recycle() }
}

internal fun Context.dp(size: Int) = (size * resources.displayMetrics.density).toInt()

internal fun Context.button(words: String, act: () -> Unit) = Button(this, null, android.R.attr.buttonStyleSmall).apply {
    text = words
    isAllCaps = false
    minHeight = dp(48)
    setOnClickListener { act() }
}

internal fun Context.column(vararg views: View) = LinearLayout(this).apply {
    orientation = LinearLayout.VERTICAL
    views.forEach(::addView)
}

internal fun Context.row(vararg views: View) = FlowLayout(this).apply { views.forEach(::addView) }

/** Children side by side, and on the next line where one has no room. */
internal class FlowLayout(context: Context) : ViewGroup(context) {
    override fun onMeasure(width: Int, height: Int) {
        measureChildren(MeasureSpec.makeMeasureSpec(MeasureSpec.getSize(width), MeasureSpec.AT_MOST), MeasureSpec.UNSPECIFIED)
        setMeasuredDimension(MeasureSpec.getSize(width), place(MeasureSpec.getSize(width)) { _, _, _ -> })
    }

    override fun onLayout(changed: Boolean, left: Int, top: Int, right: Int, bottom: Int) {
        place(right - left) { child, x, y -> child.layout(x, y, x + child.measuredWidth, y + child.measuredHeight) }
    }

    /** Gives each child its place; the height of all. */
    private fun place(width: Int, at: (View, Int, Int) -> Unit): Int {
        var (x, y, line) = Triple(0, 0, 0)
        for (index in 0 until childCount) {
            val child = getChildAt(index)
            if (child.visibility == GONE) continue
            if (x > 0 && x + child.measuredWidth > width) {
                y += line
                x = 0
                line = 0
            }
            at(child, x, y)
            x += child.measuredWidth
            line = maxOf(line, child.measuredHeight)
        }
        return y + line
    }
}

private const val CARD = 0x22888888
private val ASKED = 0xFFAB47BC.toInt()
