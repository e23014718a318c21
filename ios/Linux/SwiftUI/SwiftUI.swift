/// The shapes of SwiftUI that the sample uses, so that a compiler looks at its types; nothing is drawn.
///
/// SwiftUI is Swift alone: no crate has its declarations, and these are held against nothing. They show that the sample fits our
/// own module and itself, not that it fits Apple's.
@_exported import Foundation
import UIKit

// State.

public protocol ObservableObject: AnyObject {}

@propertyWrapper public struct Published<Value> {
    public var wrappedValue: Value
    public init(wrappedValue: Value) { self.wrappedValue = wrappedValue }
}

@propertyWrapper public struct ObservedObject<Object: ObservableObject> {
    public var wrappedValue: Object
    public init(wrappedValue: Object) { self.wrappedValue = wrappedValue }
}

@propertyWrapper public struct Binding<Value> {
    public var wrappedValue: Value
    public init(get: @escaping () -> Value, set: @escaping (Value) -> Void) { wrappedValue = get() }
}

@propertyWrapper public struct State<Value> {
    private final class Box {
        var value: Value
        init(_ value: Value) { self.value = value }
    }
    private let box: Box
    public init(wrappedValue: Value) { box = Box(wrappedValue) }
    public var wrappedValue: Value {
        get { box.value }
        nonmutating set { box.value = newValue }
    }
    public var projectedValue: Binding<Value> { Binding(get: { box.value }, set: { box.value = $0 }) }
}

@propertyWrapper public struct SceneStorage<Value> {
    private let state: State<Value>
    public var wrappedValue: Value {
        get { state.wrappedValue }
        nonmutating set { state.wrappedValue = newValue }
    }
    public var projectedValue: Binding<Value> { state.projectedValue }
}

extension SceneStorage where Value == String {
    public init(wrappedValue: String, _ key: String) { state = State(wrappedValue: wrappedValue) }
}

extension SceneStorage where Value == Bool {
    public init(wrappedValue: Bool, _ key: String) { state = State(wrappedValue: wrappedValue) }
}

extension SceneStorage where Value: RawRepresentable, Value.RawValue == String {
    public init(wrappedValue: Value, _ key: String) { state = State(wrappedValue: wrappedValue) }
}

public enum ScenePhase { case background, inactive, active }

public struct EnvironmentValues { public var scenePhase = ScenePhase.active }

@propertyWrapper public struct Environment<Value> {
    private let path: KeyPath<EnvironmentValues, Value>
    public init(_ path: KeyPath<EnvironmentValues, Value>) { self.path = path }
    public var wrappedValue: Value { EnvironmentValues()[keyPath: path] }
}

// Apps.

@MainActor @preconcurrency public protocol Scene {
    associatedtype Body: Scene
    var body: Body { get }
}

public struct WindowGroup<Content: View>: Scene {
    public init(@ViewBuilder content: () -> Content) {}
    public var body: Never { fatalError() }
}

@MainActor @preconcurrency public protocol App {
    associatedtype Body: Scene
    var body: Body { get }
    init()
}

extension App {
    public static func main() {}
}

@MainActor @propertyWrapper public struct UIApplicationDelegateAdaptor<Delegate: NSObject & UIApplicationDelegate> {
    public init(_ type: Delegate.Type = Delegate.self) {}
    public var wrappedValue: Delegate { fatalError() }
}

// Views.

@MainActor @preconcurrency public protocol View {
    associatedtype Body: View
    @ViewBuilder var body: Body { get }
}

extension Never: View, Scene {
    public var body: Never { fatalError() }
}

extension Optional: View where Wrapped: View {
    public var body: Never { fatalError() }
}

/// A view of SwiftUI's own.
public protocol Drawn: View where Body == Never {}

extension Drawn {
    public var body: Never { fatalError() }
}

public struct EmptyView: Drawn { public init() {} }

public struct TupleView<each Content: View>: Drawn { init(_ content: repeat each Content) {} }

public struct Either<First: View, Second: View>: Drawn {}

@resultBuilder public struct ViewBuilder {
    public static func buildBlock() -> EmptyView { EmptyView() }
    public static func buildBlock<Content: View>(_ content: Content) -> Content { content }
    public static func buildBlock<each Content: View>(_ content: repeat each Content) -> TupleView<repeat each Content> {
        TupleView(repeat each content)
    }
    public static func buildExpression<Content: View>(_ content: Content) -> Content { content }
    public static func buildIf<Content: View>(_ content: Content?) -> Content? { content }
    public static func buildEither<First: View, Second: View>(first: First) -> Either<First, Second> { Either() }
    public static func buildEither<First: View, Second: View>(second: Second) -> Either<First, Second> { Either() }
}

public struct Text: Drawn {
    public init<S: StringProtocol>(_ words: S) {}
    public func foregroundColor(_ colour: Color?) -> Text { self }
    public func font(_ font: Font?) -> Text { self }
}

public struct Image: Drawn { public init(systemName: String) {} }

public struct Label: Drawn { public init<S: StringProtocol>(_ words: S, systemImage: String) {} }

public struct Button<Face: View>: Drawn {
    public init(action: @escaping @MainActor () -> Void, @ViewBuilder label: () -> Face) {}
}

extension Button where Face == Text {
    public init<S: StringProtocol>(_ words: S, action: @escaping @MainActor () -> Void) {}
}

public struct TextField: Drawn { public init<S: StringProtocol>(_ hint: S, text: Binding<String>) {} }

public struct SecureField: Drawn { public init<S: StringProtocol>(_ hint: S, text: Binding<String>) {} }

public struct Toggle: Drawn { public init<S: StringProtocol>(_ words: S, isOn: Binding<Bool>) {} }

public struct Menu<Content: View>: Drawn {
    public init<S: StringProtocol>(_ words: S, @ViewBuilder content: () -> Content) {}
}

public struct Picker<Value: Hashable, Content: View>: Drawn {
    public init<S: StringProtocol>(_ words: S, selection: Binding<Value>, @ViewBuilder content: () -> Content) {}
}

public struct Form<Content: View>: Drawn { public init(@ViewBuilder content: () -> Content) {} }

public struct Section<Content: View>: Drawn {
    public init(@ViewBuilder content: () -> Content) {}
    public init<S: StringProtocol>(_ title: S, @ViewBuilder content: () -> Content) {}
}

public struct VStack<Content: View>: Drawn {
    public init(alignment: HorizontalAlignment = .center, spacing: CGFloat? = nil, @ViewBuilder content: () -> Content) {}
}

public struct HStack<Content: View>: Drawn {
    public init(alignment: VerticalAlignment = .center, spacing: CGFloat? = nil, @ViewBuilder content: () -> Content) {}
}

public struct ForEach<Data: RandomAccessCollection, ID: Hashable, Content: View>: Drawn {
    public init(_ data: Data, id: KeyPath<Data.Element, ID>, @ViewBuilder content: @escaping (Data.Element) -> Content) {}
}

extension ForEach where Data.Element: Identifiable, ID == Data.Element.ID {
    public init(_ data: Data, @ViewBuilder content: @escaping (Data.Element) -> Content) {}
}

public struct GridItem {
    public enum Size { case adaptive(minimum: CGFloat, maximum: CGFloat = .infinity) }
    public init(_ size: Size, spacing: CGFloat? = nil, alignment: Alignment? = nil) {}
}

public struct LazyVGrid<Content: View>: Drawn {
    public init(columns: [GridItem], alignment: HorizontalAlignment = .center, @ViewBuilder content: () -> Content) {}
}

public protocol TimelineSchedule {}

public struct PeriodicTimelineSchedule: TimelineSchedule {}

extension TimelineSchedule where Self == PeriodicTimelineSchedule {
    public static func periodic(from start: Date, by interval: TimeInterval) -> Self { PeriodicTimelineSchedule() }
}

public struct TimelineViewDefaultContext { public let date: Date }

public struct TimelineView<Schedule: TimelineSchedule, Content: View>: Drawn {
    public init(_ schedule: Schedule, @ViewBuilder content: @escaping (TimelineViewDefaultContext) -> Content) {}
}

// How they look, and what is done to them.

public struct Color: Sendable {
    public static let gray = Color(), green = Color(), blue = Color(), orange = Color(), red = Color(), purple = Color()
}

public struct Font: Sendable { public static let footnote = Font(), headline = Font(), caption2 = Font() }

public enum HorizontalAlignment { case leading, center }

public enum VerticalAlignment { case firstTextBaseline, center }

public enum Alignment { case leading, center }

public enum Edge { public enum Set { case horizontal, all } }

public protocol PrimitiveButtonStyle {}

public struct BorderedButtonStyle: PrimitiveButtonStyle {}

extension PrimitiveButtonStyle where Self == BorderedButtonStyle {
    public static var bordered: Self { BorderedButtonStyle() }
}

public protocol PickerStyle {}

public struct SegmentedPickerStyle: PickerStyle {}

extension PickerStyle where Self == SegmentedPickerStyle {
    public static var segmented: Self { SegmentedPickerStyle() }
}

extension View {
    public func font(_ font: Font?) -> some View { self }
    public func foregroundColor(_ colour: Color?) -> some View { self }
    public func disabled(_ isDisabled: Bool) -> some View { self }
    public func padding(_ edges: Edge.Set = .all, _ length: CGFloat? = nil) -> some View { self }
    public func onTapGesture(count: Int = 1, perform: @escaping @MainActor () -> Void) -> some View { self }
    public func onAppear(perform: (@MainActor () -> Void)? = nil) -> some View { self }
    public func onDisappear(perform: (@MainActor () -> Void)? = nil) -> some View { self }
    public func onOpenURL(perform: @escaping (URL) -> Void) -> some View { self }
    public func onChange<Value: Equatable>(of value: Value, perform: @escaping (Value) -> Void) -> some View { self }
    public func buttonStyle<Style: PrimitiveButtonStyle>(_ style: Style) -> some View { self }
    public func pickerStyle<Style: PickerStyle>(_ style: Style) -> some View { self }
    public func tag<Value: Hashable>(_ value: Value) -> some View { self }
}
