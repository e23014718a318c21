/// What a touch asks for: a command of the core, under the core's name.
import Foundation
import Sidetone

public enum Wish: Equatable, Sendable {
    case agent(AgentRequest)
    case dial(to: String)
    case answer(call: UUID)
    case decline(call: UUID)
    case hangUp(call: UUID)
    case setHold(call: UUID, on: Bool)
    case setMute(call: UUID, on: Bool)
    case transfer(call: UUID, to: String)
    case transferTo(call: UUID, with: UUID)
    case swap
    case merge(calls: [UUID])
    case split(call: UUID)
    case leave
    case sendMessage(to: String, text: String)
    case record(call: UUID, recording: String, action: RecordingAction)
    case supervise(target: String, mode: SupervisionMode, follow: Bool)
    case setSupervisionMode(call: UUID, mode: SupervisionMode)
    case setAutoAnswer(on: Bool)
}

#if canImport(CallKit)
/// Sends it: by way of CallKit what the platform must know of first, else to the phone. Throws the core's refusal; what goes
/// by way of CallKit is refused to `CallCenter.onRefusal`.
@MainActor
public func send(_ wish: Wish, _ center: CallCenter, _ phone: SidetonePhone) async throws {
    switch wish {
    case .agent(.logIn(let queue, let reason)): try await phone.logIn(queue, reason: reason)
    case .agent(.logOut(let queue)): try await phone.logOut(queue)
    case .agent(.pause(let reason)): try await phone.pause(reason)
    case .agent(.unpause): try await phone.unpause()
    case .dial(let to): center.dial(to)
    case .answer(let call): center.answer(call)
    case .decline(let call), .hangUp(let call): center.end(call)
    case .setHold(let call, let on): center.setHold(call, on)
    case .setMute(let call, let on): center.setMute(call, on)
    case .transfer(let call, let to): try await phone.transfer(call, to: to)
    case .transferTo(let call, let other): try await phone.transfer(call, with: other)
    // Of these the core has the last word, and CallKit is told.
    case .swap: try await phone.swap()
    case .merge(let calls): try await phone.merge(calls)
    case .split(let call): try await phone.split(call)
    case .leave: try await phone.leave()
    case .sendMessage(let to, let text): _ = try await phone.sendMessage(to, text)
    case .record(let call, let recording, let action): try await phone.record(call, recording, action)
    case .supervise(let target, let mode, let follow): try await phone.supervise(target, mode, follow: follow)
    case .setSupervisionMode(let call, let mode): try await phone.setSupervisionMode(call, mode)
    case .setAutoAnswer(let on): try await phone.setAutoAnswer(on)
    }
}
#endif
